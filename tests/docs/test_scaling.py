"""The page on scaling says what the model says, and the model what its costs say."""

import re

import pytest

from bench import capacity, measured
from bench.capacity import BLOCK, MANY, PAGE, TABLES, ask, site_of
from bench.simulation import Outcome

RENEW = "python -m bench.capacity --write"
FOUND = measured.read()
POSTGRES = FOUND.postgres


def most(processes: int, keys: int, sync_ms: float = 0.5) -> Outcome:
    return ask(site_of(FOUND, processes, 16, sync_ms, keys)).most


def test_every_table_has_one_place() -> None:
    assert sorted(found[2] for found in BLOCK.finditer(PAGE.read_text())) == sorted(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_what_the_model_says(name: str) -> None:
    shown = next(found for found in BLOCK.finditer(PAGE.read_text()) if found[2] == name)
    (text,) = re.findall(r"-->\n\n(.*)\n\n<!-- end", shown[0], re.DOTALL)
    assert text == TABLES[name](FOUND), f"run `{RENEW}`"


def test_a_wrong_table_is_renewed() -> None:
    tables = {name: f"table of {name}" for name in TABLES}
    wrong = capacity.renewed(PAGE.read_text(), tables)
    assert wrong.count("table of ") == len(TABLES)
    assert capacity.renewed(wrong, tables) == wrong


# What the page says in words


def test_a_request_costs_less_as_load_grows() -> None:
    rows = POSTGRES.rows
    for name in ("statements", "trips"):
        counts = [getattr(row, name) for row in rows]
        assert counts == sorted(counts, reverse=True), name
    for name in ("loop_us", "threads_us", "database_us", "valkey_us", "log_bytes"):
        assert getattr(rows[-1], name) < 0.9 * getattr(rows[0], name), name
    assert 8.5 < rows[0].statements < 10, "a commit of one request has nine statements"


def test_the_index_is_slower_than_two_processes() -> None:
    assert POSTGRES.indexing.per_s < most(2, MANY).per_s


def test_processes_are_the_first_to_run_out() -> None:
    for processes in (1, 2, 4, 8):
        assert capacity.busiest(most(processes, MANY)).startswith("processes")


def test_a_busy_key_makes_more_than_two_processes_worth_little() -> None:
    one, two, sixteen = (most(processes, 1).per_s for processes in (1, 2, 16))
    assert two > 1.5 * one
    assert sixteen < 2 * two
    assert sixteen < most(16, MANY).per_s / 2


def test_syncs_limit_latency_not_throughput() -> None:
    assert most(4, MANY, 2.6).per_s > 0.85 * most(4, MANY, 0.5).per_s


def test_terms_take_several_times_the_room_of_an_event() -> None:
    assert POSTGRES.kept.terms > 2 * POSTGRES.kept.event
    assert FOUND.sqlite.kept.terms < FOUND.sqlite.kept.event
