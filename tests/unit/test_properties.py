"""Properties of the readers, held against independent ways to the same answer."""

from __future__ import annotations

import itertools
import json
import math
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.domain import regions
from klimatpuls.fetch.pxweb.client import cell_count, parse_cube, split_selection
from klimatpuls.files.values import number_from_text

if TYPE_CHECKING:
    from collections.abc import Iterator

often = settings(max_examples=500, deadline=None)


# ------------------------------------------------------------------------------------- JSON-stat 2


@st.composite
def cubes(draw: st.DrawFn) -> dict[str, Any]:
    """JSON-stat 2 datasets of two to three variables, dense or sparse, codes as a list or by their place."""
    names = ["Region", "Tid", "ContentsCode"][: draw(st.integers(2, 3))]
    sizes = [draw(st.integers(1, 4)) for _ in names]
    dimensions: dict[str, Any] = {}
    for name, size in zip(names, sizes, strict=True):
        codes = [f"{name[0]}{at}" for at in draw(st.permutations(range(size)))]
        index: Any = codes if draw(st.booleans()) else {code: at for at, code in enumerate(codes)}
        if isinstance(index, dict):
            index = dict(draw(st.permutations(list(index.items()))))
        dimensions[name] = {
            "label": name,
            "category": {"index": index, "label": {code: code for code in codes}},
        }
    figure = st.none() | st.sampled_from(["..", "-"]) | st.floats(-1e9, 1e9) | st.integers(-1000, 1000)
    values = [draw(figure) for _ in range(math.prod(sizes))]
    sparse = {str(at): value for at, value in enumerate(values) if value is not None}
    return {
        "version": "2.0",
        "class": "dataset",
        "label": "synthetic",
        "id": names,
        "size": sizes,
        "dimension": dimensions,
        "value": sparse if draw(st.booleans()) else values,
    }


def decoded(cube: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Codes → value by the strides of the format's definition, one cell after the other."""
    for places in itertools.product(*map(range, cube["size"])):
        at = 0
        for place, size in zip(places, cube["size"], strict=True):
            at = at * size + place
        key = []
        for name, place in zip(cube["id"], places, strict=True):
            index = cube["dimension"][name]["category"]["index"]
            by_place = index if isinstance(index, list) else {spot: code for code, spot in index.items()}
            key.append(by_place[place])
        value = cube["value"].get(str(at)) if isinstance(cube["value"], dict) else cube["value"][at]
        yield tuple(key), None if isinstance(value, str) else value


@given(cube=cubes())
@often
def test_a_cube_is_decoded_as_its_definition_says(cube: dict[str, Any]) -> None:
    frame = parse_cube(json.dumps(cube).encode()).frame()
    found = {
        tuple(row[name] for name in cube["id"]): None if math.isnan(row["value"]) else row["value"]
        for row in frame.to_dict("records")
    }
    assert len(frame) == len(found)
    assert found == dict(decoded(cube))


# ------------------------------------------------------------------------------------------ numbers

BLANKS = st.sampled_from(["", " ", "\u00a0", "\u202f"])
MINUS = st.sampled_from(["-", "\u2212"])


@given(
    whole=st.integers(0, 10**12), decimals=st.integers(0, 999), blank=BLANKS, minus=MINUS, sign=st.booleans()
)
@often
def test_a_swedish_number_reads_as_what_was_written(
    whole: int, decimals: int, blank: str, minus: str, *, sign: bool
) -> None:
    text = f"{minus if sign else ''}{whole:,}".replace(",", blank) + f",{decimals:03d}"
    expected = float(f"{'-' if sign else ''}{whole}.{decimals:03d}")
    assert number_from_text(text) == expected


@given(mantissa=st.integers(1000, 99999), power=st.integers(-30, 30), minus=MINUS)
@often
def test_a_power_of_ten_reads_as_what_was_written(mantissa: int, power: int, minus: str) -> None:
    digits = str(mantissa)
    exponent = f"{power:+03d}".replace("-", minus)
    expected = float(f"{digits[0]}.{digits[1:]}e{power}")
    assert number_from_text(f"{digits[0]},{digits[1:]}×10^{exponent}") == expected


@given(text=st.text(alphabet=".,-\u2212 abcxe^×", max_size=8))
@often
def test_a_text_without_a_digit_is_never_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        number_from_text(text)


# ------------------------------------------------------------------------------------------ regions

MUNICIPALITIES = regions.codes("municipality")


@given(code=st.sampled_from(MUNICIPALITIES), form=st.sampled_from(["NFC", "NFD"]), data=st.data())
@often
def test_every_spelling_of_a_municipality_leads_to_its_code(
    code: str, form: Any, data: st.DataObject
) -> None:
    name = regions.region(code).name
    genitive = name if name.endswith("s") else f"{name}s"
    spelling = data.draw(st.sampled_from([name, f"{name} kommun", f"{genitive} kommun"]))
    case = data.draw(st.sampled_from([str.upper, str.lower, str]))
    blank = data.draw(st.sampled_from(["", " ", "\u00a0"]))
    written = blank + unicodedata.normalize(form, case(spelling)).replace(" ", blank or " ") + blank
    assert regions.code_for(written) == code


@given(code=st.sampled_from(MUNICIPALITIES), letter=st.sampled_from("qwz"), at=st.integers(0, 30))
@often
def test_a_name_never_seen_is_an_error_that_lists_the_nearest(code: str, letter: str, at: int) -> None:
    name = regions.region(code).name
    at = at % (len(name) + 1)
    with pytest.raises(regions.UnknownRegionError) as caught:
        regions.code_for(name[:at] + letter * 2 + name[at:])
    if len(name) > 5:
        assert f"{name} ({code})" in str(caught.value)


# ----------------------------------------------------------------------------------------- chunking


@given(sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4), max_cells=st.integers(1, 400))
@often
def test_every_cell_is_asked_for_exactly_once(sizes: list[int], max_cells: int) -> None:
    selection = {f"V{at}": tuple(map(str, range(size))) for at, size in enumerate(sizes)}
    asked: list[tuple[str, ...]] = []
    for part in split_selection(selection, max_cells):
        assert 0 < cell_count(part) <= max_cells
        asked += itertools.product(*(part[name] for name in selection))
    assert len(asked) == len(set(asked))
    assert set(asked) == set(itertools.product(*selection.values()))
