"""The table of national and own parts in the digest."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from klimatpuls.report.page import Paragraph, Table
from klimatpuls.report.view import build_digest
from klimatpuls.report.wording import write_page


def parts_of(digest, lang="sv"):
    heading = {"sv": "Landets del och kommunens egen", "en": "The national part and the municipality's own"}
    return next(part for part in write_page(digest, lang).sections if part.heading == heading[lang])


def cells(section) -> dict[str, tuple[str, ...]]:
    table = next(block for block in section.blocks if isinstance(block, Table))
    return {row[0]: tuple(row[1:]) for row in table.rows}


def test_a_part_that_can_be_measured_in_part_only_is_marked_with_its_share(digest):
    section = parts_of(digest)
    assert cells(section)["Luleå"] == ("+10,2", "+3,1", "+7,1\u00a0²")
    assert cells(section)["Lund"] == ("+12,4", "+9,7", "+2,7")
    note = section.blocks[-1]
    assert isinstance(note, Paragraph)
    assert note.text.endswith("Så stor del av utsläppen 2023 gäller det: Luleå 94\u00a0%.")


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_the_sentence_stands_only_where_it_applies(rows, lang):
    for row in rows["members"]:
        row["own_part_status"] = "measured"
    section = parts_of(build_digest(rows), lang)
    assert len(section.blocks) == 2
    assert not any("²" in cell for row in cells(section).values() for cell in row)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@example(national=14.640, own=-2.483)  # Tierp 2023 → 2024
@given(national=st.floats(-200, 200), own=st.floats(-200, 200))
def test_the_parts_add_up_as_printed(rows, national, own):
    for row in rows["members"]:
        row |= {
            "change_since_previous_year_pct": national + own,
            "national_part_pct": national,
            "own_part_pct": own,
        }
    for row in cells(parts_of(build_digest(rows))).values():
        change, national, own = (
            float(re.sub("[^0-9,+-]", "", cell.replace("\u2212", "-")).replace(",", ".")) for cell in row
        )
        assert national + own == pytest.approx(change)


def test_without_the_whole_change_the_parts_are_rounded_each_by_itself(rows):
    for row in rows["members"]:
        row |= {"change_since_previous_year_pct": None, "national_part_pct": 1.26, "own_part_pct": -2.44}
    assert cells(parts_of(build_digest(rows)))["Lund"] == ("–", "+1,3", "−2,4")
