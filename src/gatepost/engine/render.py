"""Texts of rules: templates over an event, in a small part of Jinja.

Whoever may write a rule may write a template, so none may be made to take long or to grow: it is
read as a tree, and only what cannot do either is let through. There are no calls, no assignments
and no macros; loops run over the event's own values, so many times in all; numbers alone can be
calculated with; attributes lead into data, never into objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

OUTPUT_MAX = 20_000
ROUNDS_MAX = 500
SECONDS_MAX = 0.02
WHOLE_MAX = 1e15
LIMITS = "limits_"
REMEMBERED = 512
NODES_MAX = 400
TOO_LONG = f"More than {OUTPUT_MAX:,} characters"

_ALLOWED = frozenset(
    {
        "Add",
        "And",
        "Compare",
        "CondExpr",
        "Const",
        "Div",
        "Filter",
        "FloorDiv",
        "For",
        "Getattr",
        "Getitem",
        "If",
        "List",
        "Mod",
        "Mul",
        "Name",
        "Neg",
        "Not",
        "Operand",
        "Or",
        "Output",
        "Sub",
        "Template",
        "TemplateData",
        "Test",
        "Tuple",
    }
)
_TESTS = frozenset({"defined", "undefined", "none", "number", "string", "odd", "even", "boolean"})


class Unrenderable(ValueError):  # noqa: N818 # it names a state, as the message does
    """A template that cannot be, or that cannot be filled in; says why in words."""


class TooSlow(Unrenderable):
    """A template that takes too long."""


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template in; what is missing is empty. Raises Unrenderable."""
    if "{" not in template:
        return template
    compiled = _compiled(template)
    try:
        limits = [ROUNDS_MAX, monotonic() + SECONDS_MAX]
        parts = compiled.generate({**values, LIMITS: limits})
        return _joined(parts)
    except Unrenderable:
        raise
    except Exception as fault:  # noqa: BLE001 # whatever goes wrong in it is its own fault
        raise Unrenderable(_words(fault)) from None


def check(template: str) -> str:
    """Say what is wrong with a template, nothing if it can be filled in."""
    try:
        if "{" in template:
            _compiled(template)
    except Unrenderable as fault:
        return str(fault)
    return ""


def _joined(parts: Iterator[str]) -> str:
    found: list[str] = []
    length = 0
    for part in parts:
        length += len(part)
        if length > OUTPUT_MAX:
            raise Unrenderable(TOO_LONG)
        found.append(part)
    return _keepable("".join(found)).strip()


def _keepable(text: str) -> str:
    """Text that can be kept and sent: a template may write any character by its number."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _words(fault: Exception) -> str:
    return str(fault).partition("\n")[0][:200] or type(fault).__name__


@lru_cache(REMEMBERED)
def _compiled(template: str) -> Any:
    from jinja2 import TemplateError  # noqa: PLC0415 # only where a rule has a template

    environment = _environment()
    try:
        tree = environment.parse(template)
        _check(tree)
        return environment.from_string(_bounded(tree))
    except TemplateError as fault:
        raise Unrenderable(_words(fault)) from None
    except RecursionError:
        raise Unrenderable("Nested too deeply") from None


def _check(tree: Any) -> None:
    count = 0
    stack = [tree]
    while stack:
        node = stack.pop()
        count += 1
        kind = type(node).__name__
        if kind not in _ALLOWED or (kind == "For" and node.recursive):
            raise Unrenderable(f"{kind} cannot be used here")
        if kind == "Name" and node.name == LIMITS:
            raise Unrenderable(f"{LIMITS} is no name for you")
        if kind == "Filter" and (node.name not in FILTERS or node.node is None):
            raise Unrenderable(f"No filter {node.name}; there are {', '.join(sorted(FILTERS))}")
        if kind == "Test" and node.name not in _TESTS:
            raise Unrenderable(f"No test {node.name}; there are {', '.join(sorted(_TESTS))}")
        stack += node.iter_child_nodes()
    if count > NODES_MAX:
        raise Unrenderable("Too long a template")


def _bounded(tree: Any) -> Any:
    """Let every loop count its rounds."""
    from jinja2 import nodes  # noqa: PLC0415 # the same

    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, "rounds_", [], [], None, None)
    return tree.set_environment(_environment())


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import ChainableUndefined, pass_context  # noqa: PLC0415 # the same

    plain = _kind()
    environment = plain(undefined=ChainableUndefined, autoescape=False, finalize=_finalised)
    environment.globals.clear()
    environment.filters = {**FILTERS, "rounds_": pass_context(_rounds)}
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


def _kind() -> type[ImmutableSandboxedEnvironment]:
    from jinja2.runtime import LoopContext  # noqa: PLC0415 # the same
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 # the same

    class Plain(ImmutableSandboxedEnvironment):
        """Leads into dictionaries and lists alone, and calculates with numbers alone."""

        intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

        def getattr(self, obj: Any, attribute: str) -> Any:
            if isinstance(obj, LoopContext) and attribute in {"first", "last", "index", "index0"}:
                return getattr(obj, attribute)
            return self.getitem(obj, attribute)

        def getitem(self, obj: Any, argument: Any) -> Any:
            if isinstance(obj, dict) and isinstance(argument, str) and argument in obj:
                return obj[argument]
            if isinstance(obj, list) and isinstance(argument, int) and 0 <= argument < len(obj):
                return obj[argument]
            return self.undefined(obj=obj, name=argument)

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if not isinstance(left, int | float) or not isinstance(right, int | float):
                raise Unrenderable("Only numbers can be calculated with")
            return super().call_binop(context, operator, left, right)

    return Plain


def _rounds(context: Any, values: Any) -> Iterator[Any]:
    limits = context[LIMITS]
    for value in values if isinstance(values, list | tuple | dict) else ():
        limits[0] -= 1
        if limits[0] < 0:
            raise Unrenderable(f"More than {ROUNDS_MAX} rounds of loops")
        if monotonic() > limits[1]:
            raise TooSlow("It takes too long")
        yield value


def _finalised(value: Any) -> Any:
    """How a value is written: none as nothing, objects and lists as JSON, 2.0 as 2."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return _json(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE_MAX:
        return int(value)
    return value if isinstance(value, str | int | float) else ""


def _json(value: Any) -> str:
    return _cut(msgspec.json.encode(value, enc_hook=str).decode())


def _cut(text: str) -> str:
    if len(text) > OUTPUT_MAX:
        raise Unrenderable(TOO_LONG)
    return text


def _text(value: Any) -> str:
    return str(_finalised(value))


def _default(value: Any, instead: Any = "") -> Any:
    from jinja2 import Undefined  # noqa: PLC0415 # the same

    return instead if value is None or value == "" or isinstance(value, Undefined) else value


def _join(values: Any, between: Any = ", ") -> str:
    found: list[str] = []
    length = 0
    for value in values if isinstance(values, list | tuple | dict) else ():
        found.append(_text(value))
        length += len(found[-1]) + len(str(between))
        if length > OUTPUT_MAX:
            raise Unrenderable(TOO_LONG)
    return str(between).join(found)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple | dict) else 0


def _truncate(value: Any, length: Any = 100) -> str:
    text, most = _text(value), max(1, int(length))
    return text if len(text) <= most else text[: most - 1] + "…"


def _round(value: Any, digits: Any = 0) -> float:
    return round(float(value), min(int(digits), 12))


FILTERS: dict[str, Any] = {
    "default": _default,
    "first": lambda value: value[0] if isinstance(value, list | tuple | str) and value else "",
    "float": lambda value: float(str(value) or 0),
    "int": lambda value: int(float(str(value) or 0)),
    "join": _join,
    "json": _json,
    "last": lambda value: value[-1] if isinstance(value, list | tuple | str) and value else "",
    "length": _length,
    "lower": lambda value: _text(value).lower(),
    "round": _round,
    "title": lambda value: _text(value).title(),
    "trim": lambda value: _text(value).strip(),
    "truncate": _truncate,
    "upper": lambda value: _text(value).upper(),
}
