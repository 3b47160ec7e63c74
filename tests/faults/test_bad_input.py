"""Bad input: refused, named, kept; and not one published figure moves."""

from __future__ import annotations

import itertools
import subprocess
import sys
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from support import pipeline_run
from support.pipeline_run import sheet_rows
from support.releases import shown

from klimatpuls.mock_agencies import workbook
from klimatpuls.sources import smhi_emissions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Published

    from klimatpuls.pipeline.validate import ValidationResult

pytestmark = pytest.mark.postgres

Rows = list[list[Any]]


@pytest.fixture(scope="module")
def sheet(small_archive: Path) -> Rows:
    """The rows of a good workbook, dated after the published one."""
    (path,) = (small_archive / "smhi").glob("GGT*2026*.xlsx")
    parsed = smhi_emissions.parse([path.read_bytes()], "smhi_emissions", "ghg")
    return sheet_rows(parsed, parsed.published_date.replace(day=parsed.published_date.day + 1))


@pytest.fixture(scope="module")
def target(good: Published, day_after: Callable[[Published], Published]) -> Published:
    """One home for all bad input, of which nothing may come."""
    return day_after(good)


@pytest.fixture(scope="module")
def good_parts(target: Published) -> dict[str, str]:
    """What was published before any of it."""
    return shown(target, "smhi_emissions")


def book(rows: Rows) -> bytes:
    return workbook.build_workbook(rows, sheet_name="Växthusgaser totalt")


def changed(rows: Rows, change: Callable[[Rows], Rows | None]) -> Rows:
    copy = [list(row) for row in rows]
    return change(copy) or copy


def take(published: Published, body: bytes) -> tuple[ValidationResult, str]:
    """Feed a workbook through the pipeline steps; returns the verdict and the operator's message."""
    result = pipeline_run.take(published.warehouse.loader_dsn, published.context, "smhi_emissions", [body])
    assert not result.publishable
    return result, "\n".join(result.explanations)


def test_the_good_sheet_itself_has_nothing_to_refuse(sheet: Rows) -> None:
    parsed = smhi_emissions.parse([book(sheet)], "smhi_emissions", "ghg")
    assert len(parsed.rejects) == 0
    assert len(parsed.rows) == 312 * 10 * len(parsed.years)


def _header_at(rows: Rows) -> int:
    return next(at for at, row in enumerate(rows) if row[:2] == ["Huvudsektor", "Undersektor"])


def _first(rows: Rows, kommun: str) -> Iterator[int]:
    return (at for at, row in enumerate(rows) if len(row) > 3 and row[3] == kommun)


def _without_tierp(rows: Rows) -> Rows:
    return [row for row in rows if len(row) < 4 or row[3] != "Tierp"]


def _county_twice(rows: Rows) -> Rows:
    county = [row for row in rows if len(row) > 3 and row[2:4] == ["Uppsala län", "Alla"]]
    return rows + county


def _kilotonnes(rows: Rows) -> None:
    at = next(at for at, row in enumerate(rows) if row and str(row[0]).startswith("Enhet"))
    rows[at][0] = "Enhet: kt/år"


def _wrong_sum(rows: Rows) -> None:
    at = next(at for at, row in enumerate(rows) if row[:2] == ["Jordbruk", "Alla"] and row[3] == "Tierp")
    rows[at][4] += 1000.0


def _text_in_a_number_cell(rows: Rows) -> None:
    rows[next(_first(rows, "Tierp"))][5] = "uppgift saknas"


def _header_word_gone(rows: Rows) -> None:
    rows[_header_at(rows)][3] = "Ort"


CASES: dict[str, tuple[Callable[[Rows], Rows | None], str, str]] = {
    # case: (what is done to the sheet, the rule that finds it, the finding's own words)
    "a missing municipality": (_without_tierp, "complete_areas", "Tierp"),
    "a county twice": (_county_twice, "rejected_cells", "duplicate"),
    "a unit in kt": (_kilotonnes, "unexpected_unit", "kt/år"),
    "a sector sum that does not add up": (_wrong_sum, "sector_sum", "Tierp"),
    "text in a number cell": (_text_in_a_number_cell, "rejected_cells", "uppgift saknas"),
    "a word of the header gone": (_header_word_gone, "header_not_found", "Kommun"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_sheet_is_quarantined_and_named(
    target: Published, good_parts: dict[str, str], sheet: Rows, case: str
) -> None:
    change, rule, words = CASES[case]
    result, message = take(target, book(changed(sheet, change)))
    assert result.state == "quarantined"
    assert rule in message
    assert words in message
    assert "klimatpuls ingest FILE" in message
    assert shown(target, "smhi_emissions") == good_parts


def test_a_header_that_moved_down_is_found_by_its_words(sheet: Rows) -> None:
    moved = [*sheet[:3], ["en rad till"], *sheet[3:]]
    found = smhi_emissions.parse([book(moved)], "smhi_emissions", "ghg")
    assert len(found.rows) == len(smhi_emissions.parse([book(sheet)], "smhi_emissions", "ghg").rows)


BODIES = {
    "an HTML page with status 200": (b"<!DOCTYPE html><html><body>Service unavailable</body></html>", "HTML"),
    "an empty body": (b"", "empty"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_is_no_workbook_is_refused(
    target: Published, good_parts: dict[str, str], case: str
) -> None:
    body, words = BODIES[case]
    result, message = take(target, body)
    assert result.state == "quarantined"
    assert "not_a_workbook" in message
    assert words.lower() in message.lower()
    assert shown(target, "smhi_emissions") == good_parts


def test_a_truncated_workbook_is_refused(target: Published, good_parts: dict[str, str], sheet: Rows) -> None:
    whole = book(sheet)
    result, message = take(target, whole[: len(whole) // 2])
    assert result.state == "quarantined"
    assert "truncated_workbook" in message
    assert shown(target, "smhi_emissions") == good_parts


def _bomb() -> bytes:
    """A workbook whose sheet inflates to 600 MB."""
    small = book([["Rapportnamn:"]])
    buffer = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(small)) as good,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bomb,
    ):
        for name in good.namelist():
            if "sheet1" not in name:
                bomb.writestr(name, good.read(name))
        with bomb.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in itertools.repeat(None, 600):
                part.write(b" " * 1_000_000)
    return buffer.getvalue()


def test_a_zip_bomb_is_refused_at_once_and_in_little_memory(
    target: Published, good_parts: dict[str, str], tmp_path: Path
) -> None:
    body = _bomb()
    result, message = take(target, body)
    assert result.state == "quarantined"
    assert "zip_bomb" in message
    assert shown(target, "smhi_emissions") == good_parts

    path = tmp_path / "bomb.xlsx"
    path.write_bytes(body)
    script = (
        "import re, time, pathlib\n"
        "from klimatpuls.errors import SourceFormatError\n"
        "from klimatpuls.sources import smhi_emissions\n"
        f"body = pathlib.Path({str(path)!r}).read_bytes()\n"
        "begun = time.process_time()\n"
        "try:\n    smhi_emissions.parse([body], 'smhi_emissions', 'ghg')\n"
        "except SourceFormatError as error:\n    print(error.rule, time.process_time() - begun)\n"
        # Not ru_maxrss: that starts at the size of the process we were forked from.
        "print(re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    (rule, seconds), peak_kib = done.stdout.splitlines()[0].split(), int(done.stdout.splitlines()[1])
    assert rule == "zip_bomb"
    assert float(seconds) < 1.0
    assert peak_kib < 300 * 1024


def test_after_all_of_it_everything_published_is_as_it_was(target: Published) -> None:
    assert target.digest() == target.good_digest
