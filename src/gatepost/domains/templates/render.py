"""Templates filled in, in a sandbox: what may occur in one is a short list, and all that it may
take is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gatepost.domains.templates.model import Rendered, Template

_BLANKS = re.compile(r"[\x00-\x20\x7f]+")


def render(template: Template, variables: Mapping[str, Any], *, strict: bool = False) -> Rendered:
    """Fill a template in with decoded JSON.

    A variable that is missing is left empty; where `strict`, what is shown or looped over must be
    there. Raises INVALID: with the path of each missing variable from `variables` on, or with
    the text that asks for too much.
    """
    from gatepost.domains.templates import sandbox  # noqa: PLC0415 # jinja2 is rarely needed

    run = sandbox.Run(variables, strict=strict)
    html, text = template.html, template.text
    made = Rendered(
        subject=_line(run.fill(template.subject, "subject")),
        html=None if html is None else run.fill(html, "html", escape=True),
        text=None if text is None else run.fill(text, "text"),
    )
    run.finish()
    return made


def line(source: str, variables: Mapping[str, Any], field: str) -> str:
    """Fill in one line that is plain text; raises INVALID naming the `field`."""
    return _line(text(source, variables, field))


def text(source: str, variables: Mapping[str, Any], field: str) -> str:
    """Fill in plain text; raises INVALID naming the `field`."""
    from gatepost.domains.templates import sandbox  # noqa: PLC0415 # the same

    return sandbox.Run(variables, strict=False).fill(source, field)


def check(**sources: str | None) -> None:
    """Raise INVALID for texts that are no templates, by the name of their field."""
    from gatepost.domains.templates import sandbox  # noqa: PLC0415 # the same

    sandbox.check({field: one for field, one in sources.items() if one is not None})


def _line(rendered: str) -> str:
    return _BLANKS.sub(" ", rendered).strip()
