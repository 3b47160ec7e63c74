"""The ceiling on a cell holds whatever other libraries did to the ``csv`` module."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from klimatpuls.files.csv_text import MAX_CELL_CHARACTERS, csv_rows, decode_text

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=[MAX_CELL_CHARACTERS, 2**31 - 1])
def _limit_of_the_process(request: pytest.FixtureRequest) -> Iterator[None]:
    before = csv.field_size_limit(request.param)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("_limit_of_the_process")
def test_a_cell_over_the_ceiling_is_refused() -> None:
    longest = "a" * MAX_CELL_CHARACTERS
    assert csv_rows(f"x;y\n{longest};1\n", ";") == [["x", "y"], [longest, "1"]]
    with pytest.raises(csv.Error):
        csv_rows(f"x;y\n{longest}a;1\n", ";")


def test_strict_refuses_a_quotation_mark_that_is_not_closed() -> None:
    assert csv_rows('a,b\n"x,1\n', ",")[1] == ["x,1\n"]
    with pytest.raises(csv.Error):
        csv_rows('a,b\n"x,1\n', ",", strict=True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_decoded_in_the_encodings_that_publishers_use(encoding: str) -> None:
    assert decode_text("Västerås; Åtgärd".encode(encoding)) == "Västerås; Åtgärd"
