"""The pages of a validation: self-contained, escaped, with every margin."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from klimatpuls.contract import catalog
from klimatpuls.validation.docs import VERDICT_WORDS, render_page, write_pages
from klimatpuls.validation.gates import Measure, ReleaseVerdict, evaluate
from klimatpuls.validation.suites import rule_named

if TYPE_CHECKING:
    from pathlib import Path

RESULT = {
    "success": False,
    "meta": {"great_expectations_version": "1.24.1"},
    "results": [
        {
            "success": True,
            "expectation_config": {
                "type": "expect_column_values_to_not_be_null",
                "kwargs": {"column": "year", "batch_id": "warehouse-run-7"},
            },
        },
        {
            "success": False,
            "expectation_config": {
                "type": "unexpected_rows_expectation",
                "description": "Missing areas: no finding",
                "kwargs": {"unexpected_rows_query": "SELECT 1 WHERE 1 < 2"},
            },
        },
    ],
}


def a_verdict(finding: dict[str, object]) -> ReleaseVerdict:
    return ReleaseVerdict(
        run_id=7,
        release_id="smhi_emissions-ghg-2026-05-07-0123abcd",
        dataset="smhi_emissions",
        substance="ghg",
        published_date=date(2026, 5, 7),
        snapshot_sha256="f" * 64,
        compared_with=None,
        gates=(
            evaluate(rule_named("county_sum"), Measure(largest=1.452, smallest=0.0), 5.0),
            evaluate(rule_named("rejected_cells"), Measure(finding_count=1, findings=[finding]), 0.0),
        ),
    )


def page_with(finding: dict[str, object], origin: str = "live") -> str:
    return render_page(
        run_id=7,
        source=catalog.SOURCES["smhi_emissions"],
        origin=origin,
        verdicts=[a_verdict(finding)],
        result=RESULT,
    )


def test_the_page_shows_measured_limit_and_margin() -> None:
    page = page_with({"sheet_row": 9, "column_name": "2024", "raw_value": "saknas", "reason": "no number"})

    for text in ("1.452\u00a0t", "5\u00a0t", "3.548\u00a0t", "saknas", "stoppad / quarantined", "1 &lt; 2"):
        assert text in page
    assert "warehouse-run-7" not in page


def test_what_a_publisher_wrote_stays_text() -> None:
    page = page_with({"sheet_row": 9, "column_name": "2024", "raw_value": "<script>alert(1)</script>"})

    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_page_calls_nobody() -> None:
    page = page_with({"sheet_row": 9})

    assert [mark for mark in ("http:", "https:", "src=", "<link", "@import", "url(") if mark in page] == []


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("synthetic", ["PÅHITTADE SIFFROR", "SYNTHETIC FIGURES"]),
        ("archive", ["UR ETT ARKIV", "FROM AN ARCHIVE"]),
        ("live", []),
    ],
)
def test_figures_that_are_not_live_are_marked(origin: str, said: list[str]) -> None:
    page = page_with({"sheet_row": 9}, origin)

    marks = ("PÅHITTADE SIFFROR", "SYNTHETIC FIGURES", "UR ETT ARKIV", "FROM AN ARCHIVE")
    assert [mark for mark in marks if mark in page] == said


def test_page_and_result_lie_in_the_folder_of_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "validation" / "run-7"

    page = write_pages(
        folder,
        run_id=7,
        source=catalog.SOURCES["smhi_emissions"],
        origin="live",
        verdicts=[a_verdict({"sheet_row": 9})],
        result=RESULT,
    )

    assert page == folder / "index.html"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads((folder / "result.json").read_text(encoding="utf-8")) == RESULT


def test_every_verdict_has_words_in_both_languages() -> None:
    assert set(VERDICT_WORDS) == {"publish", "publish_with_warnings", "hold", "quarantine"}
    assert all(swedish and english for swedish, english in VERDICT_WORDS.values())
