"""The check of sources: what every agency is asked, and what a check that fails leaves of the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from klimatpuls.cli import output
from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import FetchError, NotYetPublished, SourceFormatError, UsageError
from klimatpuls.fetch.assumptions import Checked
from klimatpuls.fetch.http import Limits
from klimatpuls.local import runtime, source_check
from klimatpuls.local.home import Home
from klimatpuls.local.run_options import RunOptions
from klimatpuls.operations.check_sources import ADVICE, ANSWERS, Place, check_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from klimatpuls.contract.catalog import Source
    from klimatpuls.fetch.http import PoliteSession

DAY = date(2026, 5, 8)
HOLDS = Checked(assumption="The unit is persons.", answer="antal personer", verdict="holds")
DIFFERS = Checked(assumption="Years are numbers.", answer="'2024'", verdict="differs", action="Nothing.")
QUICK = Limits(retries=0, connect_seconds=2, read_seconds=2)
Check = "Callable[[PoliteSession, date], Iterator[Checked]]"


def modules(checks: dict[str, Check]) -> Callable[[Source], Any]:
    """Modules with these checks, by source; any other source's holds."""

    def module_of(source: Source) -> Any:
        ask = checks.get(source.id, lambda *_: iter([HOLDS]))
        return SimpleNamespace(check=lambda session, base_url, *, as_of: ask(session, as_of))

    return module_of


def at(url: str) -> Place:
    return Place(base_urls={source.conn_id: url for source in SOURCES.values()}, as_of=DAY)


def found(checks: dict[str, Check], url: str = "http://127.0.0.1:1") -> list[tuple[str, Checked]]:
    checked = check_sources(SOURCES.values(), at(url), module_of=modules(checks), limits=QUICK)
    return [(source.id, one) for source, one in checked]


def raising(error: Exception, *before: Checked) -> Check:
    def ask(*_: object) -> Iterator[Checked]:
        yield from before
        raise error

    return ask


def test_every_source_is_asked_for_the_day_and_reports_its_findings() -> None:
    days: list[date] = []

    def ask(session: PoliteSession, as_of: date) -> Iterator[Checked]:
        days.append(as_of)
        assert session.source_id == "kolada"
        yield HOLDS
        yield DIFFERS

    rows = found({"kolada": ask})
    assert days == [DAY]
    assert [source_id for source_id, _ in rows] == [
        name for source in SOURCES for name in [source] * (2 if source == "kolada" else 1)
    ]
    assert ("kolada", DIFFERS) in rows


@pytest.mark.parametrize(
    ("error", "answer", "action"),
    [
        (FetchError("kolada: GET x: no answer in time. What to do: try again later."),
         "kolada: GET x: no answer in time.", "try again later."),
        (SourceFormatError("kolada: no unit. What to do: report it.", rule="unit"),
         "kolada: no unit.", "report it."),
        (KeyError("values"), "KeyError: 'values'", ADVICE),
        (UsageError("the catalogue is wrong"), "UsageError: the catalogue is wrong", ADVICE),
    ],
)  # fmt: skip
def test_a_check_that_raises_is_one_failing_row_and_the_others_go_on(
    error: Exception, answer: str, action: str
) -> None:
    rows = found({"kolada": raising(error, HOLDS)})
    assert [one for source_id, one in rows if source_id == "kolada"] == [
        HOLDS,
        Checked(assumption=ANSWERS, answer=answer, verdict="fails", action=action),
    ]
    assert {source_id for source_id, _ in rows} == set(SOURCES)
    assert [source_id for source_id, one in rows if one.verdict == "fails"] == ["kolada"]


def test_an_unreachable_agency_fails_its_own_source_only(httpserver: HTTPServer) -> None:
    def call(session: PoliteSession, _: date) -> Iterator[Checked]:
        session.get(f"{session.base_url}/config")
        yield HOLDS

    rows = found({"kolada": call, "trafa_vehicles": lambda *_: iter([DIFFERS])})
    ((_, failed),) = [row for row in rows if row[1].verdict == "fails"]
    assert "kolada: GET http://127.0.0.1:1/config: no connection" in failed.answer
    assert "try again later" in failed.action
    assert ("trafa_vehicles", DIFFERS) in rows
    httpserver.expect_request("/config").respond_with_data("{}")
    rows = found({"kolada": call}, httpserver.url_for("").rstrip("/"))
    assert [one for _, one in rows if one.verdict == "fails"] == []


def test_a_check_that_proves_nothing_fails() -> None:
    rows = dict(found({"kolada": lambda *_: iter([])}))
    assert (rows["kolada"].verdict, rows["kolada"].answer) == ("fails", "the check asked nothing")


def test_what_a_mock_has_not_published_yet_is_no_failure() -> None:
    rows = dict(found({"kolada": raising(NotYetPublished("kolada: x has nothing published yet"))}))
    assert rows["kolada"].verdict == "differs"
    assert "nothing published yet" in rows["kolada"].answer


def test_calls_of_several_sources_at_one_host_are_counted_together(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("{}")
    logs = []

    def call(session: PoliteSession, _: date) -> Iterator[Checked]:
        logs.append(session.throttle._call_log)
        session.get(f"{session.base_url}/x")
        yield HOLDS

    found({"scb_population": call, "scb_energy": call}, httpserver.url_for("").rstrip("/"))
    first, second = logs
    assert first is second
    assert len(first._arrived["statistikdatabasen.scb.se"]) == 2


class TestPlaces:
    def test_at_the_agencies_no_home_is_needed(self) -> None:
        with source_check.at_the_agencies() as place:
            assert place.base_urls == {source.conn_id: source.live_base_url for source in SOURCES.values()}
            assert place.mock_ca is None

    @pytest.mark.parametrize("mock", ["", "as-recorded"])
    def test_a_home_of_the_mock_agencies_is_asked_without_a_database(
        self, tmp_path: Path, small_archive: Path, monkeypatch: pytest.MonkeyPatch, mock: str
    ) -> None:
        monkeypatch.setenv("KLIMATPULS_MOCK", mock)
        home = runtime.open_home(
            RunOptions(
                sources="mock", origin="archive", home=tmp_path / "home", archive=small_archive, as_of=DAY
            )
        )

        def call(session: PoliteSession, as_of: date) -> Iterator[Checked]:
            assert as_of == DAY
            assert session.get(f"{session.base_url}/config").status == 200
            yield HOLDS

        source = SOURCES["scb_population"]
        with source_check.at_what_a_home_asks(home) as place:
            assert place.base_urls[source.conn_id].startswith("https:" if mock else "http:")
            rows = list(check_sources([source], place, module_of=modules({source.id: call})))
        assert [one for _, one in rows] == [HOLDS]
        assert not (home.root / "postgres").exists()

    def test_a_live_home_asks_the_agencies(self, tmp_path: Path) -> None:
        home = runtime.open_home(
            RunOptions(sources="live", origin="live", home=tmp_path / "home", archive=None, as_of=None)
        )
        with source_check.at_what_a_home_asks(home) as place:
            assert place.base_urls["smhi_default"] == SOURCES["smhi_emissions"].live_base_url

    def test_a_missing_archive_is_an_error_before_any_request(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        home.remember(sources="mock", archive=str(tmp_path / "gone"))
        with (
            pytest.raises(UsageError, match="gone, which no longer exists"),
            source_check.at_what_a_home_asks(home),
        ):
            pass


class TestTable:
    PLACE = at("http://127.0.0.1:1")

    def shown(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, as_markdown: bool
    ) -> tuple[bool, str, str]:
        rows = [HOLDS, DIFFERS, replace(DIFFERS, verdict="fails", answer="[red]|a bar|", action="Report it.")]

        def check(sources: Iterator[Source], _: Place) -> Iterator[tuple[Source, Checked]]:
            for source in sources:
                yield from ((source, row) for row in rows)

        monkeypatch.setattr("klimatpuls.operations.check_sources.check_sources", check)
        is_sound = output.print_checks([SOURCES["kolada"]], self.PLACE, as_markdown=as_markdown)
        printed = capsys.readouterr()
        return is_sound, printed.out, printed.err

    def test_it_has_every_assumption_and_counts_the_verdicts(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        is_sound, out, err = self.shown(capsys, monkeypatch, as_markdown=False)
        assert not is_sound
        words = " ".join(out.split())
        for expected in ("kolada", "The unit is persons.", "antal personer", "[red]|a bar|", "Report it."):
            assert expected in words
        assert "3 assumptions: 1 holds, 1 differs, 1 fails" in words
        assert "asking kolada at http://127.0.0.1:1" in err

    def test_as_markdown_it_is_one_line_a_row(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, out, _ = self.shown(capsys, monkeypatch, as_markdown=True)
        lines = out.splitlines()
        assert lines[0] == "| source | assumption | answer | verdict | what to do |"
        assert lines[2] == "| kolada | The unit is persons. | antal personer | holds |  |"
        assert lines[4] == "| kolada | Years are numbers. | [red]\\|a bar\\| | fails | Report it. |"
        assert len(lines) == 5
