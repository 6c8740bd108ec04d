"""Logs: structured lines on stderr, with every known shape of secret masked."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any

# structlog brings rich along, which costs a short command a third of its time: it is loaded
# where the first logger is asked for.
if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

SECRET = re.compile(
    r"(?:gp_(?:live|test)_|emitkit_|evk_|nh_|em_live_|secret_|emmi_sk_)[0-9A-Za-z]{8,}"
    r"|sk_(?:live|test)_(?:single|multi)_[0-9A-Za-z]{8,}(?:_[0-9a-f]{4})?"
    r"|(?<=_apikey=)[^&\s\"']+|(?<=[Bb]earer )[^\s\"']+"
)
MASK = "[secret]"


def mask(text: str) -> str:
    """Blot out anything that looks like an API key."""
    return SECRET.sub(MASK, text)


def _mask_values(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    return {name: mask(value) if isinstance(value, str) else value for name, value in line.items()}


class _MaskFilter(logging.Filter):
    """The same for what libraries log through the standard module."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = mask(record.getMessage())
        record.args = ()
        return True


def setup(level: str, style: str) -> None:
    """Send all logs to stderr, at a level, as `text` or `json`."""
    import structlog  # noqa: PLC0415 # see above

    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _mask_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_MaskFilter())
    handler.setFormatter(logging.Formatter("%(asctime)s [%(levelname)s] %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def get(name: str) -> Any:
    """Return the logger of a part."""
    import structlog  # noqa: PLC0415 # see above

    return structlog.get_logger(part=name)
