"""What a relayed request is worth: one, or what its JSON body says. Pure."""

from __future__ import annotations

import re
from typing import Any

from gatepost.base.errors import AppError, invalid

ONE = "1"
ARRAY = "array"
POINTER_MAX = 500
UNITS_MAX = 10**12

_POINTER = re.compile(r"(/([^~/\x00-\x1f]|~0|~1)*)+")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def problem(rule: str) -> str:
    """What is wrong with a rule, as a sentence; empty when nothing is."""
    if rule in (ONE, ARRAY) or (len(rule) <= POINTER_MAX and _POINTER.fullmatch(rule)):
        return ""
    return "Must be 1, array, or a JSON pointer as /items"


def count(rule: str, body: Any) -> int:
    """What a body (decoded JSON) is worth by a rule; raises INVALID when it does not fit."""
    if rule == ARRAY:
        if isinstance(body, list):
            return len(body)
        if isinstance(body, dict):
            return 1
        raise invalid(([], "The body must be an array or an object"))
    return _amount(_find(body, rule), rule)


def _amount(value: Any, rule: str) -> int:
    if isinstance(value, list):
        return len(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if (whole or (isinstance(value, float) and value.is_integer())) and 0 <= value <= UNITS_MAX:
        return int(value)
    raise _missing(rule, f"Must be an array, or a whole number from 0 to {UNITS_MAX}")


def _find(body: Any, pointer: str) -> Any:
    """The value a pointer (RFC 6901) leads to."""
    value = body
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and _INDEX.fullmatch(name) and int(name) < len(value):
            value = value[int(name)]
        else:
            raise _missing(pointer, "Required")
    return value


def _missing(pointer: str, words: str) -> AppError:
    names = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    return invalid((names, words))
