"""What the benchmark reads: the load generator's words, PostgreSQL's log, and its own page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from benchmarks import flat_table, goals, load, many_tenants, plans, probes, report
from benchmarks.database import Database
from benchmarks.measuring import Cell
from benchmarks.rows import OURS, ROWS
from benchmarks.workloads import Workload
from tenants.credentials import CredentialKind, make_credential, parse_credential

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.load import Measured

WRK = """Running 3s test @ http://127.0.0.1:8000/token
  2 threads and 16 connections
  Latency Distribution
     50%    4.07ms
     75%    5.03ms
     90%    6.11ms
     99%  870.00us
  10331 requests in 3.10s, 7.10MB read
{more}Requests/sec:   3332.58
"""
LOG = """2026-11-20 12:00:00.000 UTC [7] LOG:  statement: BEGIN
2026-11-20 12:00:00.000 UTC [7] LOG:  execute _pg3_0: SELECT name
\tFROM tenants_tenant WHERE id = $1
2026-11-20 12:00:00.000 UTC [7] DETAIL:  Parameters: $1 = 'SELECT 1'
2026-11-20 12:00:00.000 UTC [8] LOG:  statement: SELECT pg_current_snapshot()
2026-11-20 12:00:00.000 UTC [7] LOG:  statement: COMMIT
"""


class NoLoad:
    """A load that is never made."""

    def run(self, seconds: int) -> Measured:
        raise AssertionError(seconds)


def test_what_wrk_says_is_read_in_milliseconds() -> None:
    measured = load.read(WRK.format(more=""), 0.5)
    assert (measured.requests, measured.refused, measured.seconds) == (10_331, 0, 3.1)
    assert (measured.p50_ms, measured.p99_ms) == (4.07, 0.87)
    assert measured.generator_seconds == 0.5


def test_refused_answers_do_not_count() -> None:
    measured = load.read(WRK.format(more="  Non-2xx or 3xx responses: 331\n"), 0)
    assert measured.refused == 331
    assert measured.per_second == pytest.approx(10_000 / 3.1)


def test_a_run_without_a_total_is_an_error() -> None:
    with pytest.raises(ValueError, match="unable to connect"):
        load.read("unable to connect to 127.0.0.1:8000", 0)


def test_the_log_gives_whole_statements_without_those_of_the_background(tmp_path: Path) -> None:
    running = Database(tmp_path, 1)
    running.log.write_text(f"before\n{LOG}")
    since = len("before\n")
    assert plans.read_statements(running, since) == [
        "BEGIN",
        "SELECT name FROM tenants_tenant WHERE id = $1",
        "COMMIT",
    ]
    assert running.count_statements(since) == 4


def test_ratios_are_those_of_the_rounds_pairs() -> None:
    ours, other = (
        Cell(ROWS[OURS], NoLoad(), rates=rates) for rates in ([2.0, 8.0, 9.0], [1.0, 2.0, 9.0])
    )
    assert ours.ratio_to(other) == 2
    assert ours.spread == pytest.approx(7 / 8)


def test_a_goal_is_judged_by_the_ratio_of_its_two_rows() -> None:
    own = Cell(ROWS["ours-jwt"], NoLoad(), rates=[7.0, 7.0], p99_ms=[20.0, 20.0])
    bare = Cell(ROWS["bare"], NoLoad(), rates=[10.0, 10.0])
    lines = goals.table([(Workload.CLIENT_CREDENTIALS, [own, bare])])
    assert [line.split(" | ")[1:] for line in lines[3:]] == [
        ["0.6", "0.70", "met |"],
        ["under 15", "20.0", "**missed** |"],
    ]
    assert goals.table([(Workload.REFRESH, [bare])]) == []


@pytest.mark.parametrize("goal", goals.GOALS, ids=lambda goal: f"{goal.row}-{goal.other}")
def test_every_goal_names_rows_of_its_workload(goal: goals.Goal) -> None:
    assert goal.workload in ROWS[goal.row].kinds
    assert goal.workload in ROWS[goal.other].kinds


def test_every_row_takes_part_in_a_workload_under_its_own_name() -> None:
    assert all(name == row.name and row.kinds for name, row in ROWS.items())
    assert not set(ROWS) & set(Workload)


@pytest.mark.parametrize("path", sorted(probes.PROBES))
def test_every_probe_finds_its_step_and_leaves_it_as_it_was(path: str) -> None:
    before = probes.find(path)
    with probes.installed():
        assert probes.find(path) is not before
    assert probes.find(path) is before


def test_time_in_a_step_counts_for_that_step_only() -> None:
    layers = probes.Layers()
    layers.begin()
    layers.enter("outer")
    layers.enter("inner")
    math.factorial(20_000)
    layers.leave()
    layers.leave()
    layers.end()
    assert layers.seconds["inner"] > 10 * layers.seconds["outer"]
    assert set(layers.seconds) == {probes.OUTSIDE, "outer", "inner"}


def test_a_copied_secret_names_the_copied_row_and_proves_the_same() -> None:
    template = UUID("0197d8a0-0000-4000-8000-000000000001")
    text = make_credential(CredentialKind.CLIENT_SECRET, template).text
    own, copied = (
        parse_credential(CredentialKind.CLIENT_SECRET, many_tenants.copied_secret(text, number))
        for number in (0, 7)
    )
    assert own is not None
    assert copied is not None
    assert own.row_id == template != copied.row_id
    assert own.secret == copied.secret


def test_a_section_of_the_page_is_replaced_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- rows -->\nold\n<!-- end of rows -->\nb\n")
    monkeypatch.setattr(report, "PAGE", page)
    report.write("rows", ["new \\1"])
    assert page.read_text() == "a\n<!-- rows -->\n\nnew \\1\n\n<!-- end of rows -->\nb\n"
    with pytest.raises(ValueError, match="no section flat"):
        report.write("flat", [])


def test_growth_is_the_median_of_the_rounds_pairs() -> None:
    assert flat_table.paired([11, 10, 30], [10, 10, 20]) == pytest.approx(0.1)
