"""Charts: a true time axis, full lines between consecutive years only, labels that do not touch."""

from __future__ import annotations

import time
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klimatpuls.domain.regions import codes, region
from klimatpuls.site.charts import (
    HEIGHT,
    LABEL_HEIGHT,
    WIDTH,
    ChartLine,
    ChartPoint,
    ChartTarget,
    TimeChart,
    draw,
    label_width,
    spread,
    ticks,
)

SVG = "{http://www.w3.org/2000/svg}"
YEARS = (1990, 2000, 2010, 2015, 2016, 2020, 2021, 2022)


def chart(**changes: object) -> TimeChart:
    points = tuple(ChartPoint(year, 200.0 - (year - 1990), year != 2016) for year in YEARS)
    described = {
        "alt": "Linjediagram",
        "lines": (ChartLine("146 000 ton", "2022", points),),
        "target": ChartTarget("mål 2030", "65 400 ton", 2030, 65.4, (1990, 200.0)),
        **changes,
    }
    return TimeChart(**described)


def parsed(one: TimeChart) -> ElementTree.Element:
    return ElementTree.fromstring(draw(one))


def test_no_label_is_wider_than_the_room_it_gets():
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    widest = FontProperties(family="DejaVu Sans", weight="bold")  # of the fonts that the chart names
    names = [f"utan {region(code).name}" for code in codes("municipality")]
    for text in ("medlemmarna", "3,37 miljoner ton", "146 000 ton", "without Luleå", *names):
        assert TextPath((0, 0), text, size=11, prop=widest).get_extents().x1 <= label_width(text), text


def test_years_stand_where_time_puts_them():
    circles = [c for c in parsed(chart()).iter(f"{SVG}circle") if "line-0" in c.get("class", "")]
    places = dict(zip(YEARS, (float(c.get("cx")) for c in circles), strict=True))
    per_year = (places[2022] - places[1990]) / 32
    for year, x in places.items():
        assert x == pytest.approx(places[1990] + per_year * (year - 1990), abs=0.11)


def test_a_full_line_joins_observed_neighbours_only():
    drawn = parsed(chart())
    segments = [s for s in drawn.iter(f"{SVG}line") if s.get("class") == "line-0"]
    full = [s.get("stroke-dasharray") is None for s in segments]
    # 2015–2016 is consecutive, but 2016 is linked; only 2020–2021 and 2021–2022 are full.
    assert full == [False, False, False, False, False, True, True]
    opened = [c for c in drawn.iter(f"{SVG}circle") if c.get("class") == "line-0 open"]
    assert len(opened) == 1


def test_the_target_and_the_path_to_it_are_drawn():
    drawn = parsed(chart())
    (ring,) = [c for c in drawn.iter(f"{SVG}circle") if c.get("class") == "target open"]
    (path,) = [s for s in drawn.iter(f"{SVG}line") if s.get("class") == "path target"]
    assert (path.get("x2"), path.get("y2")) == (ring.get("cx"), ring.get("cy"))
    assert not [c for c in parsed(chart(target=None)).iter() if "target" in c.get("class", "")]


def test_what_is_written_lies_within_the_picture():
    wide = "utan den största utsläpparen"
    drawn = parsed(chart(lines=(ChartLine(wide, "−38 %", (ChartPoint(1990, 1.0), ChartPoint(2022, -5.0))),)))
    for text in drawn.iter(f"{SVG}text"):
        x, y = float(text.get("x")), float(text.get("y"))
        assert 0 <= y <= HEIGHT
        if text.get("text-anchor") is None:
            assert x + 5.5 * max(len(part.text) for part in text) <= WIDTH


def test_a_name_is_inert_and_equal_charts_are_equal():
    hostile = "<script>alert(1)</script>\"'&"
    one = chart(alt=hostile, lines=(ChartLine(hostile, hostile, (ChartPoint(2000, 1.0),)),), target=None)
    assert "<script" not in draw(one)
    assert parsed(one).get("aria-label") == hostile
    assert draw(one) == draw(one)


def test_one_point_a_flat_line_and_a_negative_value_can_be_drawn():
    for points in ([(2024, 0.0)], [(2020, 5.0), (2024, 5.0)], [(2020, -5.0), (2024, 0.0)]):
        line = ChartLine("a", "b", tuple(ChartPoint(*point) for point in points))
        assert "NaN" not in draw(chart(lines=(line,), target=None, is_change=True))
    with pytest.raises(ValueError, match="each line a point"):
        draw(chart(lines=(ChartLine("a", "b", ()),)))


def test_numbers_of_the_axis_follow_the_language():
    line = (ChartLine("a", "b", (ChartPoint(1990, 0.0), ChartPoint(2024, 4000.0))),)
    words = {text.text for text in parsed(chart(lines=line, target=None)).iter(f"{SVG}text")}
    assert "4\u00a0000" in words
    small = (ChartLine("a", "b", (ChartPoint(1990, -1.0), ChartPoint(2024, 1.0))),)
    words = {text.text for text in parsed(chart(lines=small, target=None, decimals=1)).iter(f"{SVG}text")}
    assert {"−0,5", "0,5", "0"} <= words


@given(st.floats(-1e7, 1e7), st.floats(1e-3, 1e7))
def test_ticks_span_the_values_evenly(low, extent):
    assume(extent > 1e-6 * abs(low))
    found = ticks(low, low + extent)
    assert 2 <= len(found) <= 6
    step = found[1] - found[0]
    assert found[0] <= low + 1e-6 * step
    assert found[-1] >= low + extent - 1e-6 * step
    assert all(b - a == pytest.approx(step, rel=1e-4) for a, b in pairwise(found))


@given(st.lists(st.floats(0, 200), min_size=1, max_size=5).map(sorted))
def test_labels_keep_their_order_and_their_distance(places):
    moved = spread(places, LABEL_HEIGHT, 0.0, 200.0)
    assert all(b - a >= LABEL_HEIGHT - 1e-9 for a, b in pairwise(moved))
    assert moved[0] >= -1e-9
    assert moved[-1] <= 200.0


def test_a_chart_costs_milliseconds():
    one = chart()
    draw(one)
    begun = time.process_time()
    for _ in range(20):
        draw(one)
    assert (time.process_time() - begun) / 20 <= 0.015
