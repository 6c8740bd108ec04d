"""The rules of operators: who manages whom, what a password is, how long sessions last."""

import itertools

import pytest

from gatepost.base.errors import AppError, Code
from gatepost.domains.keys.scopes import PRESETS, Scope, expand
from gatepost.domains.operators import model
from gatepost.domains.operators.model import SCOPES, Role

WEAK, STRONG = {Role.VIEWER, Role.MEMBER}, {Role.ADMIN, Role.OWNER}


@pytest.mark.parametrize("mine", [None, *Role])
@pytest.mark.parametrize("other", list(Role))
def test_who_manages_whom(mine: Role | None, other: Role) -> None:
    allowed = mine in {None, Role.OWNER} or (mine is Role.ADMIN and other in WEAK)
    if allowed:
        model.check_rank(mine, other)
        return
    with pytest.raises(AppError) as refused:
        model.check_rank(mine, other)
    assert refused.value.code is Code.FORBIDDEN


def test_each_role_has_the_rights_of_the_weaker_ones() -> None:
    rights = [expand(SCOPES[role]) for role in Role]
    assert all(weak <= strong for weak, strong in itertools.pairwise(rights))
    assert rights[0] == PRESETS["read"] | {Scope.ANY}
    assert rights[-1] == PRESETS["full"] | {Scope.ANY}
    administrative = {Scope.KEYS_WRITE, Scope.OPERATORS_WRITE, Scope.PROJECTS_WRITE}
    assert not administrative & expand(SCOPES[Role.MEMBER])


@pytest.mark.parametrize(
    "password",
    [
        "",
        "123456789",
        "x" * 201,
        "abababababab",
        "ada@example.com",
        "ADA@example.com",
        "Ada Lovelace",
    ],
)
def test_passwords_that_are_refused(password: str) -> None:
    with pytest.raises(AppError) as refused:
        model.check_password(password, "ada@example.com", "Ada Lovelace")
    assert [one.path for one in refused.value.fields] == [("password",)]


def test_length_is_what_a_password_needs() -> None:
    for password in ("correct horse", "ひみつのことばですよね", "x1y2z3a4b5" * 20):
        model.check_password(password, "ada@example.com", "Ada")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\u202eb", "a\u0000b"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(AppError):
        model.read_name(name)


def test_sessions_slide_and_end_for_good() -> None:
    start = 1_000_000_000_000
    assert model.session_end(start, start) == start + model.IDLE_MS
    late = start + model.LASTS_MS - 1
    assert model.session_end(start, late) == start + model.LASTS_MS
