"""Settings: defaults < `gatepost.toml` < `GATEPOST_*` < flags. None is required."""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

PREFIX = "GATEPOST_"
FILE = "gatepost.toml"
# What the data folder holds.
DATABASE = "gatepost.db"
PEPPER = "pepper.key"
PEPPER_CHARS_MIN = 32
VALKEY = ("valkey://", "valkeys://", "redis://", "rediss://", "unix://")


class ConfigError(Exception):
    """Settings that cannot be used; the text says which one and what would be right."""


def _about(text: str, **constraints: Any) -> Meta:
    return Meta(description=text, **constraints)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set. Names carry their unit; the descriptions become the docs."""

    data: Annotated[str, _about("The data folder: database, secrets.")] = "./gatepost-data"
    host: Annotated[str, _about("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, _about("Port to listen on; 0 takes a free one.", ge=0, le=65535)] = 8080
    database_url: Annotated[
        str,
        _about(
            "Where the truth is kept: `postgresql://user:password@host/database`;"
            " empty means SQLite in the data folder."
        ),
    ] = ""
    valkey_url: Annotated[
        str,
        _about(
            "Where several processes share limits and signals: `valkey://…` or `redis://…`;"
            " empty means that each process limits alone."
        ),
    ] = ""
    pepper: Annotated[
        str,
        _about(
            "The secret that API keys are hashed under, the same for every process: at least 32"
            " characters, or 64 hexadecimal digits; empty means `pepper.key` in the data folder."
        ),
    ] = ""
    public_url: Annotated[
        str, _about("The address clients use, for links; empty means the listening address.")
    ] = ""
    rate_limit: Annotated[
        str,
        _about(
            "`off` switches every key and account limit off; `on` applies keys' and plans' own.",
            pattern="^(on|off)$",
        ),
    ] = "on"
    limiter_outage: Annotated[
        str,
        _about(
            "While Valkey cannot be reached, writes are limited by each process to its share"
            " (`local`), refused (`refuse`) or let through (`open`); reads go on.",
            pattern="^(local|refuse|open)$",
        ),
    ] = "local"
    unknown_keys_per_minute: Annotated[
        int, _about("Requests with an unknown key, per address and minute, before 429.", ge=1)
    ] = 60
    trusted_proxies: Annotated[
        str, _about("Networks whose `X-Forwarded-For` is believed, separated by commas.")
    ] = ""
    body_bytes_max: Annotated[int, _about("Largest request body, in bytes.", ge=1024)] = 1_048_576
    batch_bytes_max: Annotated[
        int, _about("Largest batch body, in bytes, after decompression.", ge=1024)
    ] = 5_242_880
    event_bytes_max: Annotated[
        int, _about("Largest stored event, in bytes of its JSON.", ge=1024)
    ] = 65_536
    events_days: Annotated[int, _about("Days an event is kept; 0 keeps it for ever.", ge=0)] = 90
    refusals_days: Annotated[int, _about("Days the refused-requests ledger is kept.", ge=1)] = 30
    stream_heartbeat_s: Annotated[
        float, _about("Seconds between heartbeats of the event stream.", gt=0)
    ] = 15.0
    stream_stall_s: Annotated[
        float, _about("Seconds a stream may stall before it is dropped.", gt=0)
    ] = 15.0
    drain_delay_s: Annotated[
        float,
        _about(
            "Seconds a process that was told to end still takes requests while `/readyz` says no,"
            " for a load balancer to notice.",
            ge=0,
            le=60,
        ),
    ] = 0.0
    readers: Annotated[int, _about("Read connections to the database.", ge=1, le=64)] = 4
    writers: Annotated[
        int, _about("Write connections to PostgreSQL; SQLite has one.", ge=2, le=16)
    ] = 2
    log_level: Annotated[
        str, _about("Least severe log line shown.", pattern="^(debug|info|warning|error)$")
    ] = "info"
    log_format: Annotated[
        str, _about("`text` for people, `json` for machines.", pattern="^(text|json)$")
    ] = "text"

    @property
    def folder(self) -> Path:
        """The data folder as a path."""
        return Path(self.data)

    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The trusted proxies as networks; raises ConfigError for a malformed one."""
        names = [name.strip() for name in self.trusted_proxies.split(",") if name.strip()]
        try:
            return tuple(ipaddress.ip_network(name, strict=False) for name in names)
        except ValueError as error:
            message = f"trusted_proxies: {error}"
            raise ConfigError(message) from None


SECRET_FIELDS = frozenset({"database_url", "pepper", "valkey_url"})
FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}


class Origin(msgspec.Struct, frozen=True):
    """A setting's value and where it came from: `default`, a file, a variable or a flag."""

    value: Any
    source: str


def load(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> tuple[Settings, dict[str, Origin]]:
    """Merge all sources into Settings and say where each value came from.

    `flags` holds only what was given on the command line. Raises ConfigError for an unknown
    name (naming the nearest one), a value out of range, or two settings that fight.
    """
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    variables = _from_environment(environ)
    origins = {name: Origin(field.default, "default") for name, field in FIELDS.items()}
    data = given.get("data") or (variables["data"].value if "data" in variables else None)
    for path in _files(folder or Path.cwd(), data):
        origins |= _from_file(path)
    origins |= variables
    origins |= {name: Origin(value, "flag") for name, value in given.items()}
    return _check(origins), origins


def _files(folder: Path, data: str | None) -> list[Path]:
    """The one in the working folder, then the one in the data folder, which wins."""
    places = [folder / FILE, Path(data or FIELDS["data"].default) / FILE]
    return [path for path in dict.fromkeys(places) if _is_file(path)]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:  # of a folder that is another user's
        return False


def _from_file(path: Path) -> dict[str, Origin]:
    try:
        content = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        message = f"{path.name}: {error}"
        raise ConfigError(message) from None
    for name in content:
        _known(name, name)
    return {name: Origin(value, path.name) for name, value in content.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Origin]:
    found: dict[str, Origin] = {}
    for variable, given in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name, text = variable.removeprefix(PREFIX).lower(), given
        if name.endswith("_file") and name not in FIELDS:
            name = name.removesuffix("_file")
            text = _read_secret(variable, text)
        _known(name, variable)
        if name in found:
            message = f"{variable} and {found[name].source} set the same thing; keep one"
            raise ConfigError(message)
        found[name] = Origin(text, variable)
    return found


def _read_secret(variable: str, path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        message = f"{variable}: {error.strerror}"
        raise ConfigError(message) from None


def _known(name: str, shown: str) -> None:
    if name in FIELDS:
        return
    near = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.4)
    hint = ""
    if near:
        hint = f"; did you mean {PREFIX + near[0].upper() if shown != name else near[0]}?"
    message = f"unknown setting {shown}{hint}"
    raise ConfigError(message)


def _check(origins: Mapping[str, Origin]) -> Settings:
    values: dict[str, Any] = {}
    for name, origin in origins.items():
        try:
            values[name] = msgspec.convert(origin.value, FIELDS[name].type, strict=False)
        except msgspec.ValidationError as error:
            message = f"{name} (from {origin.source}): {error}"
            raise ConfigError(message) from None
    settings = Settings(**values)
    settings.networks()
    if settings.pepper and len(settings.pepper) < PEPPER_CHARS_MIN:
        message = f"pepper must have at least {PEPPER_CHARS_MIN} characters"
        raise ConfigError(message)
    if settings.valkey_url and not settings.valkey_url.startswith(VALKEY):
        message = f"valkey_url must start with one of {', '.join(VALKEY)}"
        raise ConfigError(message)
    if settings.batch_bytes_max < settings.body_bytes_max:
        message = "batch_bytes_max must be at least body_bytes_max"
        raise ConfigError(message)
    return settings
