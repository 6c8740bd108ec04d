"""Settings: defaults < `gatepost.toml` < `GATEPOST_*` < flags. None is required."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gatepost.base import emails
from gatepost.base.settings import ConfigError, SettingError, Settings

__all__ = ["FIELDS", "ConfigError", "Origin", "SettingError", "Settings", "load"]

PREFIX = "GATEPOST_"
FILE = "gatepost.toml"
# What the data folder holds.
DATABASE = "gatepost.db"
PEPPER = "pepper.key"
PEPPER_CHARS_MIN = 32
VALKEY = ("valkey://", "valkeys://", "redis://", "rediss://", "unix://")

SECRET_FIELDS = frozenset(
    {"database_url", "oidc_client_secret", "pepper", "smtp_url", "valkey_url"}
)
MASK = "********"
"""What is shown in the place of a secret."""
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
    settings.reachable()
    settings.deliverable()
    if settings.mail_from:
        _check_address("mail_from", settings.mail_from)
    if settings.pepper and len(settings.pepper) < PEPPER_CHARS_MIN:
        message = f"pepper must have at least {PEPPER_CHARS_MIN} characters"
        raise ConfigError(message)
    if settings.valkey_url and not settings.valkey_url.startswith(VALKEY):
        message = f"valkey_url must start with one of {', '.join(VALKEY)}"
        raise ConfigError(message)
    if bool(settings.submission_tls_cert) is not bool(settings.submission_tls_key):
        message = "submission_tls_cert and submission_tls_key belong together"
        raise ConfigError(message)
    if settings.batch_bytes_max < settings.body_bytes_max:
        message = "batch_bytes_max must be at least body_bytes_max"
        raise ConfigError(message)
    return settings


def _check_address(setting: str, text: str) -> None:
    try:
        emails.read(text)
    except ValueError as wrong:
        raise ConfigError(f"{setting}: {wrong}") from None
