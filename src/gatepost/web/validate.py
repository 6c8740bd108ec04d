"""From JSON to structs: fast when it fits, thorough about what does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from gatepost.base.errors import AppError, Code, FieldError

T = TypeVar("T")

_PLACE = re.compile(r"(.*) - at `(?:key in )?\$(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_ENUM = re.compile(r"Invalid enum value .*", re.DOTALL)
_CHOICE = re.compile(r"Expected `str` matching regex '\^\(([\w|]+)\)\$'")
NESTING = "nested too deeply"
UNREADABLE = (f"The body is {NESTING}", "The body is not valid JSON")
"""How a body is refused that is no JSON at all."""


Rule = Callable[[Mapping[str, Any]], Iterable[FieldError]]
"""What a type cannot say of a body's members taken together."""


class Body:
    """A decoder of one struct type, with every problem reported in field order."""

    def __init__(self, kind: Any, rule: Rule | None = None) -> None:
        """Prepare the fast decoder; a `rule` is asked on top of the type."""
        self.kind = kind
        self._rule = rule
        self._decoder = msgspec.json.Decoder(kind)

    def decode(self, body: bytes) -> Any:
        """Decode a body; raises INVALID with one entry per faulty field."""
        try:
            value = self._decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
            raise refuse(self.kind, body, self._rule) from None
        if b"\\u0000" in body:
            check_text(json(body))
        if self._rule is not None and any(self._rule(msgspec.to_builtins(value))):
            raise refuse(self.kind, body, self._rule)
        return value


def _place(names: list[tuple[str]], problem: FieldError) -> int:
    first = problem.path[:1]
    return names.index(first) if first in names else len(names)


def json(body: bytes) -> Any:
    """Decode any JSON; raises INVALID with an empty path when it is none."""
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise _whole(UNREADABLE[0]) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        raise _whole(UNREADABLE[1]) from None


def refuse(kind: Any, body: bytes, rule: Rule | None = None) -> AppError:
    """Explain why a body does not fit, as completely as possible."""
    try:
        raw = json(body)
        check_text(raw)
    except AppError as error:
        return error
    found = problems(kind, _held(kind, raw))
    if rule is not None and isinstance(raw, dict):
        names = [(field.encode_name,) for field in msgspec.structs.fields(kind)]
        found = sorted([*rule(raw), *found], key=lambda one: _place(names, one))
    return _refusal(found or [FieldError((), "The body does not fit")])


def convert(kind: type[T], raw: Any, *, strict: bool = True) -> T:
    """Convert decoded values (of a query, say); raises INVALID like `decode`."""
    try:
        return msgspec.convert(raw, kind, strict=strict)
    except (msgspec.ValidationError, RecursionError):
        raise _refusal(problems(kind, raw, strict=strict)) from None


def problems(kind: Any, raw: Any, *, strict: bool = True) -> list[FieldError]:
    """List what is wrong, in the order of the struct's fields."""
    if not isinstance(raw, dict):
        return [FieldError((), f"Expected an object, got {_name(raw)}")]
    found: list[FieldError] = []
    for field in msgspec.structs.fields(kind):
        if field.encode_name in raw:
            found += _of_field(field, raw[field.encode_name], strict=strict)
        elif field.required:
            found.append(FieldError((field.encode_name,), "Required"))
    return found or _of_whole(kind, raw, strict=strict)


def _held(kind: Any, raw: Any) -> Any:
    """Hold members that a type takes unread as it does: anything fits."""
    inner = _struct_in(kind)
    if inner is None or not isinstance(raw, dict):
        return raw
    types = {field.encode_name: field.type for field in msgspec.structs.fields(inner)}
    unread = msgspec.Raw(b"null")
    return {
        name: unread if types.get(name) is msgspec.Raw else _held(types.get(name), value)
        for name, value in raw.items()
    }


def _of_field(field: msgspec.structs.FieldInfo, value: Any, *, strict: bool) -> list[FieldError]:
    inner = _struct_in(field.type)
    if inner is not None and isinstance(value, dict):
        nested = problems(inner, value, strict=strict)
        return [FieldError((field.encode_name, *one.path), one.message) for one in nested]
    items = _item_type(field.type)
    if items is not None and isinstance(value, list):
        found = [
            FieldError((field.encode_name, index, *one.path), one.message)
            for index, item in enumerate(value)
            for one in _try(items, item, strict=strict)
        ]
        if found:
            return found
    found = _try(field.type, value, strict=strict)
    return [FieldError((field.encode_name, *one.path), one.message) for one in found]


def _of_whole(kind: Any, raw: Any, *, strict: bool) -> list[FieldError]:
    return _try(kind, raw, strict=strict)


def _try(kind: Any, value: Any, *, strict: bool) -> list[FieldError]:
    try:
        msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        return [_problem(str(error), kind)]
    except RecursionError:
        return [FieldError((), f"Value is {NESTING}")]
    return []


def _problem(text: str, kind: Any) -> FieldError:
    """Put the library's words into a path and a message.

    What the client sent is never in the message, which the logs of refusals keep: somebody may
    have sent a secret. The name of an unknown field is in the path instead.
    """
    match = _PLACE.match(text)
    message, place = match.groups() if match else (text, "")
    steps: list[str | int] = []
    for name, index in _STEP.findall(place):
        if name:
            steps.append(name)
        elif index.isdigit():
            steps.append(int(index))
    if unknown := _UNKNOWN.fullmatch(message):
        return FieldError((*steps, unknown[1]), "Unknown field")
    if _ENUM.fullmatch(message):
        words = [] if steps else _words(kind)
        message = _one_of(words, kind) if words else "Invalid enum value"
    elif choice := _CHOICE.fullmatch(message):
        message = _one_of(choice[1].split("|"), None if steps else kind)
    return FieldError(tuple(steps), message.replace("`", ""))


def _one_of(words: list[str], kind: Any) -> str:
    said = f"Must be one of {', '.join(words)}" if len(words) > 1 else f"Must be {words[0]}"
    return f"{said}, or an object" if _may_be_object(kind) else said


def _may_be_object(kind: Any) -> bool:
    return _is_struct(kind) or any(map(_may_be_object, get_args(kind)))


def _words(kind: Any) -> list[str]:
    """The words that a type allows, if it is an enumeration."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(one.value) for one in kind]
    if get_origin(kind) is Literal:
        return [str(one) for one in get_args(kind)]
    return [word for one in get_args(kind) for word in _words(one)]


def _struct_in(kind: Any) -> Any:
    choices = [kind, *get_args(kind)]
    return next((one for one in choices if _is_struct(one)), None)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _item_type(kind: Any) -> Any:
    for one in (kind, *get_args(kind)):
        if get_origin(one) in (list, tuple):
            return get_args(one)[0]
    return None


def _name(raw: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(raw), "a number")


def check_text(raw: Any, path: tuple[str | int, ...] = ()) -> None:
    """Refuse U+0000 wherever it hides: no database keeps it in text."""
    found: list[FieldError] = []
    _seek_nul(raw, path, found)
    if found:
        raise _refusal(found)


def _seek_nul(raw: Any, path: tuple[str | int, ...], found: list[FieldError]) -> None:
    stack = [(raw, path)]
    while stack:
        value, place = stack.pop()
        if isinstance(value, str) and "\x00" in value:
            found.append(FieldError(place, "Must not contain U+0000"))
        elif isinstance(value, dict):
            for name, item in value.items():
                shown = name.replace("\x00", "")
                if "\x00" in name:
                    found.append(FieldError((*place, shown), "Must not contain U+0000"))
                stack.append((item, (*place, shown)))
        elif isinstance(value, list):
            stack += [(item, (*place, index)) for index, item in enumerate(value)]


def _whole(message: str) -> AppError:
    return _refusal([FieldError((), message)])


def _refusal(found: list[FieldError]) -> AppError:
    return AppError(Code.INVALID, found[0].message, fields=found)
