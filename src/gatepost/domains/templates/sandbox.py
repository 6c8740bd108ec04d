"""Jinja's language, cut down: what may occur in a template, and how much it may take.

Variables are decoded JSON, and nothing but their members can be reached: no attributes of
Python's, no calls, no assignments. Loops, output and time are bounded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gatepost.base.errors import invalid
from gatepost.domains.templates import filters
from gatepost.domains.templates.filters import FILTERS, TESTS, Missing

OUTPUT_MAX = 1_000_000
TURNS_MAX = 10_000
SECONDS_MAX = 0.5
NODES_MAX = 2000
DEPTH_MAX = 30
MISSING_MAX = 20
COMPILED = 64
TURNING = "turning"
LOOP = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})
ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.For,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Tuple,
    nodes.List,
)
FAULTS = (
    TemplateError,
    ArithmeticError,
    LookupError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What a template's own mistakes raise while it is filled in."""


class TooMuch(Exception):  # noqa: N818 # it names a state, as the message does
    """A template takes more than it may."""


class Run:
    """One message's texts being filled in, with what all of them may take together."""

    def __init__(self, variables: Mapping[str, Any], *, strict: bool) -> None:
        """Note where each value is, so that what is missing can be named."""
        self._variables = variables
        self._strict = strict
        self._paths = dict(_paths(variables))
        self._turns = TURNS_MAX
        self._until = time.thread_time() + SECONDS_MAX
        self._missing: dict[tuple[str | int, ...], None] = {}

    def fill(self, source: str, field: str, *, escape: bool = False) -> str:
        """Fill one text in; raises INVALID naming the field."""
        try:
            return self._fill(compiled(source, escape=escape), escape=escape)
        except TooMuch as fault:
            raise invalid(([field], str(fault))) from None
        except FAULTS as fault:
            raise invalid(([field], _words(fault))) from None

    def finish(self) -> None:
        """Raise INVALID for variables that were missing."""
        if self._missing:
            raise invalid(
                *[(["variables", *path], "Required") for path in list(self._missing)[:MISSING_MAX]]
            )

    def member(self, of: Any, key: Any) -> Any:
        """What a name or an index leads to."""
        if isinstance(of, Missing):
            return of.below(key)
        if isinstance(of, LoopContext):
            return getattr(of, key) if key in LOOP else Missing(path=(str(key),))
        if isinstance(of, dict) and isinstance(key, str) and key in of:
            return of[key]
        if isinstance(of, list) and type(key) is int and -len(of) <= key < len(of):
            return of[key]
        step = key if isinstance(key, str | int) else str(key)
        return Missing(path=(*self._paths.get(id(of), ()), step))

    def shown(self, value: Any) -> Any:
        """How a value is written."""
        if isinstance(value, Missing):
            self._note(value)
        return filters.shown(value)

    def turning(self, value: Any) -> Turning:
        """What a loop goes over, each turn counted."""
        if isinstance(value, Missing):
            self._note(value)
        return Turning(self, value if isinstance(value, list | tuple | dict | str) else ())

    def turn(self) -> None:
        """Count one turn; raises TooMuch."""
        self._turns -= 1
        if self._turns < 0:
            message = f"Loops take more than {TURNS_MAX} turns"
            raise TooMuch(message)
        self._tick()

    def _fill(self, code: CodeType, *, escape: bool) -> str:
        environment = Sandbox(self, escape=escape)
        template = environment.template_class.from_code(environment, code, {})
        parts: list[str] = []
        size = 0
        for part in template.root_render_func(template.new_context(dict(self._variables))):
            size += len(part)
            parts.append(part)
            if size > OUTPUT_MAX:
                message = f"Becomes longer than {OUTPUT_MAX} characters"
                raise TooMuch(message)
            self._tick()
        return _plain("".join(parts))

    def _tick(self) -> None:
        if time.thread_time() > self._until:
            raise TooMuch("Takes too long")

    def _note(self, value: Missing) -> None:
        if self._strict:
            self._missing[value.path] = None


class Turning:
    """Something that is looped over."""

    def __init__(self, run: Run, values: Sequence[Any] | Mapping[str, Any]) -> None:
        """Hold it."""
        self._run = run
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        for one in self._values:
            self._run.turn()
            yield one


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's environment for one run; without a run, what templates are compiled in."""

    def __init__(self, run: Run | None, *, escape: bool) -> None:
        """Take everything away that is not on the list."""
        super().__init__(autoescape=escape, undefined=Missing, finalize=self._shown)
        self._run = run
        self.globals = {}
        self.tests = dict(TESTS)
        self.filters = FILTERS | {TURNING: self._turning}
        self.optimized = False

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A member, never an attribute."""
        return self._member(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The same."""
        return self._member(obj, argument)

    def is_safe_callable(self, obj: Any) -> bool:
        """Nothing is called."""
        del obj
        return False

    def _member(self, obj: Any, key: Any) -> Any:
        return self.undefined(name=str(key)) if self._run is None else self._run.member(obj, key)

    def _shown(self, value: Any) -> Any:
        return filters.shown(value) if self._run is None else self._run.shown(value)

    def _turning(self, value: Any) -> Any:
        return () if self._run is None else self._run.turning(value)


@lru_cache(COMPILED)
def compiled(source: str, *, escape: bool) -> CodeType:
    """Compile a text; raises TemplateError and other FAULTS for what is no template."""
    environment = Sandbox(None, escape=escape)
    tree = environment.parse(source)
    _check(tree)
    for loop in tree.find_all(nodes.For):
        turning = nodes.Filter(loop.iter, TURNING, [], [], None, None, lineno=loop.lineno)
        turning.set_environment(environment)
        loop.iter = turning
    code = environment.compile(tree)
    assert isinstance(code, CodeType)  # noqa: S101 # `raw` was not asked for
    return code


def check(sources: Mapping[str, str]) -> None:
    """Raise INVALID for texts that are no templates, by field."""
    problems = []
    for field, source in sources.items():
        try:
            compiled(source, escape=field == "html")
        except FAULTS as fault:
            problems.append(([field], _words(fault)))
    if problems:
        raise invalid(*problems)


def _check(tree: nodes.Template) -> None:
    """Raise TemplateSyntaxError for what may not occur."""
    left = NODES_MAX
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        left -= 1
        if left < 0:
            raise RefusedError("Has too many parts", node.lineno)
        if depth > DEPTH_MAX:
            raise RefusedError("Is nested too deeply", node.lineno)
        _check_node(node)
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]


def _check_node(node: nodes.Node) -> None:
    if not isinstance(node, ALLOWED):
        raise RefusedError("Only if, for, filters and comparisons may be used", node.lineno)
    if isinstance(node, nodes.For) and node.recursive:
        raise RefusedError("A loop cannot be recursive", node.lineno)
    if isinstance(node, nodes.Filter) and (node.name not in FILTERS or node.dyn_args):
        known = ", ".join(sorted(FILTERS))
        raise RefusedError(f"Unknown filter; known are {known}", node.lineno)
    if isinstance(node, nodes.Test) and (node.name not in TESTS or node.dyn_args):
        known = ", ".join(sorted(TESTS))
        raise RefusedError(f"Unknown test; known are {known}", node.lineno)


class RefusedError(TemplateSyntaxError):
    """Our own words: they quote nothing of the template."""


def _plain(text: str) -> str:
    """Text that can be kept: a template may write any character with its number."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _words(fault: Exception) -> str:
    """What is wrong, without quoting the template: refusals are logged."""
    if isinstance(fault, TemplateSyntaxError):
        message = fault.message or ""
        told = message if isinstance(fault, RefusedError) else _syntax(message)
        return f"Line {fault.lineno}: {told}" if fault.lineno else told
    if isinstance(fault, RecursionError | SyntaxError):
        return "Is nested too deeply"
    return "A value is not of the kind that the template expects"


def _syntax(message: str) -> str:
    if message.startswith(("Encountered unknown tag", "Unexpected end of template")):
        return "A tag is unknown, or not ended"
    if message.startswith("No filter"):
        return f"Unknown filter; known are {', '.join(sorted(FILTERS))}"
    if message.startswith("No test"):
        return f"Unknown test; known are {', '.join(sorted(TESTS))}"
    return "Cannot be read as a template"


def _paths(variables: Mapping[str, Any]) -> Iterator[tuple[int, tuple[str | int, ...]]]:
    """Where each object and array is, by its identity."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), variables)]
    while waiting:
        path, value = waiting.pop()
        members: Any = ()
        if isinstance(value, Mapping):
            members = value.items()
        elif isinstance(value, list):
            members = enumerate(value)
        else:
            continue
        yield id(value), path
        waiting += [((*path, key), inner) for key, inner in members]
