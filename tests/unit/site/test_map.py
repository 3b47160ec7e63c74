"""The map: every municipality, borders on a grid, classes that stay the same."""

from __future__ import annotations

import struct
from xml.etree import ElementTree

import pytest

from klimatpuls.domain.regions import regions
from klimatpuls.report.numbers import Speaker
from klimatpuls.site.map import NO_FIGURE, change_class, draw_map, outlines, read_rings, snap

SVG = "{http://www.w3.org/2000/svg}"


def test_every_municipality_has_an_outline():
    wanted = {code for code, one in regions().items() if one.level == "municipality"}
    assert set(outlines()) == wanted
    assert all(path.startswith("M") and path.endswith("z") for path in outlines().values())
    assert sum(map(len, outlines().values())) < 70_000


@pytest.mark.parametrize(
    ("pct", "number"),
    [
        (None, NO_FIGURE),
        (158.0, 0),
        (0.1, 0),
        (0.0, 1),
        (-14.9, 1),
        (-15.0, 2),
        (-59.9, 4),
        (-60.0, 5),
        (-100.0, 5),
    ],
)
def test_the_classes_are_fixed(pct, number):
    assert change_class(pct) == number


def test_the_map_names_every_place_and_explains_its_colours():
    names = {"0360": "Tierp", "2580": "Luleå", "1490": "<Borås>"}
    drawn = draw_map(names, {"0360": -33.0, "2580": 6.1}, "Karta", Speaker("sv"))
    tree = ElementTree.fromstring(drawn)
    titles = [title.text.replace("\u00a0", " ") for title in tree.iter(f"{SVG}title")]
    assert sorted(titles) == ["<Borås> –", "Luleå +6 %", "Tierp −33 %"]
    legend = {text.text.replace("\u00a0", " ") for text in tree.iter(f"{SVG}text")}
    assert legend == {"högre", "30–45 % lägre", "ingen siffra"}
    assert {path.get("class") for path in tree.iter(f"{SVG}path")} == {"m0", "m3", "m6"}
    assert draw_map(names, {"0360": -33.0, "2580": 6.1}, "Karta", Speaker("sv")) == drawn


def test_corners_snap_to_the_grid_and_straight_ones_go():
    assert snap([(0, 0), (0.2, 0.1), (4, 0), (8, 0.3), (8, 8), (0.4, 0)]) == ((0, 0), (8, 0), (8, 8))
    assert snap([(0, 0), (0.3, 0.3)]) == ((0, 0),)


def test_neighbours_keep_a_common_border():
    left = snap([(0, 0), (3.4, 0.2), (3.1, 5.2), (0, 5)])
    right = snap([(3.4, 0.2), (9, 0), (9, 5), (3.1, 5.2)])
    assert set(left) & set(right) == {(3, 0), (3, 5)}


def test_borders_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="geometry of kind 1"):
        read_rings(struct.pack("<BIIdd", 1, 1, 0, 1.0, 2.0))
