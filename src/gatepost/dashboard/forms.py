"""What was typed into a form, and what was wrong with it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Self
from urllib.parse import parse_qsl

from gatepost.base.errors import Code
from gatepost.dashboard.desk import Problem, Refused

FIELDS_MAX = 2000
MADE_BEFORE = "This form was sent before, and its key is made: the secret was shown that once."
SENT_BEFORE = "This form was sent before, with other values. Send it again to do this as well."


class Fields:
    """Names and values in order, as a query or a form has them; blank ones count as not there."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        """Hold the pairs."""
        self.pairs = tuple((name, value.strip()) for name, value in pairs if value.strip())

    @classmethod
    def of(cls, text: bytes) -> Self:
        """Read what is encoded as a browser does; raises ValueError where there is too much."""
        decoded = text.decode("latin-1")
        return cls(parse_qsl(decoded, keep_blank_values=True, max_num_fields=FIELDS_MAX))

    def get(self, name: str, default: str = "") -> str:
        """The first value of a name."""
        return next((value for key, value in self.pairs if key == name), default)

    def all(self, name: str) -> list[str]:
        """All values of a name."""
        return [value for key, value in self.pairs if key == name]

    def __contains__(self, name: str) -> bool:
        """Whether something was given under a name."""
        return any(key == name for key, _ in self.pairs)


class Form(Fields):
    """A form as it was sent, or as it is shown first; with its problems where it was refused."""

    problems: tuple[Problem, ...] = ()
    problem = ""

    @classmethod
    def starting(cls, values: Mapping[str, object] | None = None) -> Form:
        """A form that shows these values; of a list, each one."""
        pairs: list[tuple[str, str]] = []
        for name, value in (values or {}).items():
            several = value if isinstance(value, list | tuple) else [value]
            pairs += [(name, str(one)) for one in several if one is not None]
        return cls(pairs)

    @property
    def once(self) -> str:
        """The name of this sending: the same one is never done twice."""
        return self.get("once") or secrets.token_urlsafe(12)

    def refused(
        self,
        why: Refused,
        names: Mapping[str, str] | None = None,
        about: str = "",
        sent_before: str = SENT_BEFORE,
    ) -> Form:
        """The same form with what was wrong. `names` are of fields that are called otherwise
        here than in the API: `{"projectId": "project"}`; a refusal that names none is `about` that
        one. What was `sent_before`, with other values, is sent as something new the next time.
        """
        if why.code == Code.IDEMPOTENCY_CONFLICT:
            return self.clean("once").refuse(sent_before)
        called = names or {}
        form = Form(self.pairs)
        form.problem = why.detail or "That was refused."
        form.problems = tuple(
            Problem((called.get(one.name, one.name),), one.message) for one in why.fields
        )
        if about and not why.fields:
            form.problems = (Problem((about,), form.problem),)
        return form

    def refuse(self, problem: str) -> Form:
        """The same form with a problem of the whole."""
        form = Form(self.pairs)
        form.problem = problem
        return form

    def clean(self, *names: str) -> Form:
        """The same form without some of its values: what is not to be shown again."""
        return Form([pair for pair in self.pairs if pair[0] not in names])

    def wrong(self, name: str, message: str) -> Form:
        """The same form with one problem that was found here."""
        form = Form(self.pairs)
        form.problems = (*self.problems, Problem((name,), message))
        form.problem = message
        return form

    def error(self, name: str) -> str:
        """What is wrong with a field: of a list or an object, the first thing below it."""
        below = f"{name}."
        found = (
            one.message for one in self.problems if one.name == name or one.name.startswith(below)
        )
        return next(found, "")
