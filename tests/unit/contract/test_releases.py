"""What names a release, what orders releases, and what may become of one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.contract import releases
from klimatpuls.contract.releases import Parsed, Release, State, content_sha256, release_id

ROWS = pd.DataFrame(
    {
        "region_code": ["0360", "0360", "00", "0360"],
        "sector_code": ["all", "transport", "all", "all"],
        "year": [2024, 1990, 1990, 1990],
        "emissions": [0.1, 0.0, 71000515.07, 7.33347e-05],
        "sheet_row": [10, 11, 8, 9],
    }
)
PARSED = Parsed(
    dataset="smhi_emissions",
    substance="ghg",
    unit="ton/år",
    published_date=date(2026, 5, 7),
    years=(1990, 2024),
    rows=ROWS,
    rejects=pd.DataFrame(columns=["sheet_row", "column_name", "raw_value", "reason"]),
    rows_read=4,
)


def test_the_hash_is_taken_over_this_text():
    text = (
        "klimatpuls facts 1\nsubstance=ghg\nunit=ton/år\npublished=2026-05-07\n"
        "00;all;1990;71000515.07\n"
        "0360;all;1990;7.33347e-05\n"
        "0360;all;2024;0.1\n"
        "0360;transport;1990;0.0\n"
    )
    assert content_sha256(PARSED) == hashlib.sha256(text.encode()).hexdigest()


def test_population_has_no_sector_and_counts_are_whole():
    rows = pd.DataFrame({"region_code": ["01", "00"], "year": [2024, 2024], "population_count": [5, 12]})
    parsed = replace(PARSED, dataset="scb_population", substance=None, unit="antal", rows=rows)
    text = "klimatpuls facts 1\nsubstance=all\nunit=antal\npublished=2026-05-07\n00;2024;12\n01;2024;5\n"
    assert content_sha256(parsed) == hashlib.sha256(text.encode()).hexdigest()
    assert release_id(parsed).startswith("scb_population-all-2026-05-07-")


def test_rejected_cells_make_another_content_by_reason_and_number():
    def with_rejects(*cells: tuple[str, str]) -> str:
        rows = [(number, "2024", raw, reason) for number, (raw, reason) in enumerate(cells)]
        return content_sha256(
            replace(
                PARSED,
                rejects=pd.DataFrame(rows, columns=["sheet_row", "column_name", "raw_value", "reason"]),
            )
        )

    bad = with_rejects(("nan", "not a number"), ("", "missing value"))
    assert bad != content_sha256(PARSED), "a mended file is not taken for the refused one"
    assert bad == with_rejects(("", "missing value"), ("abc", "not a number")), "other text, the same trouble"
    assert bad != with_rejects(("nan", "not a number"))
    expected = with_rejects(("..", "expected: no figure"), ("..", "expected: no figure"))
    assert expected == content_sha256(PARSED), "what is always left out is no part of the content"


def test_the_name_of_a_release():
    digest = content_sha256(PARSED)
    assert release_id(PARSED) == release_id(PARSED, digest) == f"smhi_emissions-ghg-2026-05-07-{digest[:8]}"


@given(st.permutations(range(4)))
def test_row_order_and_sheet_rows_are_no_content(order: list[int]):
    shuffled = ROWS.iloc[order].assign(sheet_row=range(4)).reset_index(drop=True)
    assert content_sha256(replace(PARSED, rows=shuffled)) == content_sha256(PARSED)


@pytest.mark.parametrize(
    "changed",
    [
        replace(PARSED, substance="co2"),
        replace(PARSED, unit="kg/år"),
        replace(PARSED, published_date=date(2026, 5, 8)),
        replace(PARSED, rows=ROWS.assign(emissions=np.nextafter(ROWS["emissions"], np.inf))),
        replace(PARSED, rows=ROWS.iloc[:3]),
    ],
)
def test_any_change_of_a_fact_is_another_release(changed: Parsed):
    assert content_sha256(changed) != content_sha256(PARSED)


def test_minus_zero_is_zero_and_no_facts_still_have_a_hash():
    negative = replace(PARSED, rows=ROWS.assign(emissions=ROWS["emissions"].replace(0.0, -0.0)))
    assert content_sha256(negative) == content_sha256(PARSED)
    assert len(content_sha256(replace(PARSED, rows=ROWS.iloc[:0]))) == 64


def _release(published: date, known: date, name: str = "a", state: State = "published") -> Release:
    return Release(
        release_id=f"smhi_emissions-ghg-{published}-{name}",
        dataset="smhi_emissions",
        substance="ghg",
        published_date=published,
        known_from=known,
        state=state,
    )


FIRST = _release(date(2025, 5, 6), date(2025, 5, 6))
WRONG = _release(date(2026, 5, 7), date(2026, 5, 7), "b")
CORRECTED = _release(date(2026, 5, 7), date(2026, 6, 12), "c")


@given(st.permutations([FIRST, WRONG, CORRECTED]))
def test_current_does_not_depend_on_the_order_of_loading(order: list[Release]):
    assert releases.current(order) == CORRECTED
    assert releases.nearest_earlier(CORRECTED, order) == WRONG
    assert releases.nearest_earlier(WRONG, order) == FIRST
    assert releases.nearest_earlier(FIRST, order) is None


@given(st.permutations([("a", 0), ("b", 7), ("c", 12), ("d", -9)]))
def test_of_one_day_the_later_approval_corrects_and_no_name_matters(order: list[tuple[str, int]]):
    day = date(2026, 5, 7)
    held = [replace(_release(day, day, name), approval_number=number) for name, number in order]
    by_number = {release.approval_number: release for release in held}
    assert releases.current(held) == by_number[12]
    assert releases.corrects(by_number[12], held) == by_number[7]
    assert releases.corrects(by_number[0], held) == by_number[-9], "approved as the older one"
    assert releases.nearest_earlier(by_number[-9], held) is None


def test_a_later_retrieval_corrects_whatever_a_person_approved_before():
    approved = replace(WRONG, approval_number=3)
    assert releases.current([approved, CORRECTED]) == CORRECTED
    assert releases.corrects(CORRECTED, [FIRST, approved]) == approved


def test_only_published_releases_are_current():
    assert (
        releases.current([FIRST, replace(WRONG, state="held"), replace(CORRECTED, state="withdrawn")])
        == FIRST
    )
    assert releases.current([replace(FIRST, state="validated")]) is None


def test_the_same_date_with_other_content_is_a_correction():
    assert releases.corrects(CORRECTED, [FIRST, WRONG]) == WRONG
    assert releases.corrects(WRONG, [FIRST, CORRECTED]) is None
    assert releases.corrects(CORRECTED, [replace(WRONG, substance="co2")]) is None


def test_what_a_release_follows_upon_is_the_nearest_earlier_one_of_its_series() -> None:
    other = replace(FIRST, release_id="another", substance="co2")
    held = [CORRECTED, other, FIRST, WRONG]
    found = releases.predecessors(held)
    assert found == {one.release_id: releases.nearest_earlier(one, held) for one in held}
    assert found[FIRST.release_id] is None
    assert found["another"] is None
    assert found[CORRECTED.release_id] == WRONG


def test_every_state_has_its_transitions():
    assert set(releases.TRANSITIONS) == set(get_args(State))
    assert set().union(*releases.TRANSITIONS.values()) <= set(get_args(State))
    assert releases.may_become("held", "validated")
    assert releases.may_become("withdrawn", "published")
    assert not releases.may_become("loaded", "published")
    assert not releases.may_become("quarantined", "published")
