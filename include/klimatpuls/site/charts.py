"""Line charts over time as SVG, drawn by a template from one description.

The axis is a true time axis. An observed value is a point. A full line joins consecutive years; a dotted one
spans years without statistics, and leads to and from linked or estimated values, which are open points. Every
line has its name at its end. The colours stand as attributes, for the PDF, and a page's style sheet overrides
them by class, so one picture serves light, dark and paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from klimatpuls.site.layout import environment

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 360.0
HEIGHT: Final = 232.0
LEFT: Final = 34.0
"""Least room for the words of the axis."""
TOP: Final = 14.0
BOTTOM: Final = 22.0
LABEL_HEIGHT: Final = 27.0
"""A label of two lines."""
CHARACTER: Final = 7.2
"""Width of an average character of a bold label."""
WIDE: Final = "mwMW"
"""Characters that take more."""
GRID_LINES: Final = 6
"""At most so many horizontal lines."""
YEAR_GAP: Final = 32.0
"""Least distance between two years below the axis."""
COLOURS: Final = ("#0b5c8a", "#4a5560", "#7a4b9a")
"""Of the lines in order; a style sheet overrides them by the classes ``line-0`` and so on."""
TARGET_COLOUR: Final = "#a33b00"


@dataclass(frozen=True)
class ChartPoint:
    """A value of one year."""

    year: int
    value: float
    is_observed: bool = True


@dataclass(frozen=True)
class ChartLine:
    """A line: its name and the words about its last value, its points in the order of their years."""

    name: str
    value: str
    points: tuple[ChartPoint, ...]


@dataclass(frozen=True)
class ChartTarget:
    """A target: where it and the path to it lie, and its words."""

    name: str
    value: str
    year: int
    level: float
    path_from: tuple[int, float] | None = None


@dataclass(frozen=True, kw_only=True)
class TimeChart:
    """The description of a chart.

    Attributes:
        alt: Its result in words, for those who do not see it.
        lines: At least one, each with at least one point; the first one matters most.
        target: What the first line is to reach.
        decimals: Decimals of the values on the axis.
        decimal_mark: The language's decimal mark.
        group_mark: The language's mark between thousands.
        is_change: Whether the values are changes in percent, which have a sign.
    """

    alt: str
    lines: tuple[ChartLine, ...]
    target: ChartTarget | None = None
    decimals: int = 0
    decimal_mark: str = ","
    group_mark: str = "\u00a0"
    is_change: bool = False


def draw(chart: TimeChart) -> str:
    """The chart as an ``svg`` element; equal descriptions give equal text.

    Args:
        chart: Its description.

    Raises:
        ValueError: if a line has no point.
    """
    if not chart.lines or not all(line.points for line in chart.lines):
        msg = "a chart needs a line, and each line a point"
        raise ValueError(msg)
    return environment().get_template("chart.svg.j2").render(**_geometry(chart)).replace("\n", "")


def ticks(low: float, high: float, count: int = GRID_LINES) -> tuple[float, ...]:
    """Round values that span an interval: 1, 2, 2.5 or 5 times a power of ten apart.

    Args:
        low: Its lower end.
        high: Its upper end, above ``low``.
        count: At most so many values.

    Example: 0 to 218 → 0, 50, 100, 150, 200, 250.
    """
    raw = (high - low) / (count - 1)
    power = 10.0
    while power > raw:
        power /= 10.0
    while power * 10.0 <= raw:
        power *= 10.0
    for factor in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0):
        step = factor * power
        first, last = int(low // step), -int(-high // step)
        if last - first < count:
            break
    return tuple(step * index for index in range(first, last + 1))


def label_width(text: str) -> float:
    """Room for a bold label in the chart's units; an estimate, since the reader's font is not known."""
    return CHARACTER * (len(text) + 0.7 * sum(map(text.count, WIDE)))


class _Frame:
    """Where years and values lie in the picture."""

    def __init__(self, chart: TimeChart) -> None:
        points = [point for line in chart.lines for point in line.points]
        years = [point.year for point in points]
        values = [point.value for point in points] + [0.0]
        words = [text for line in chart.lines for text in (line.name, line.value)]
        if chart.target is not None:
            years.append(chart.target.year)
            values.append(chart.target.level)
            words += [chart.target.name, chart.target.value]
            if chart.target.path_from is not None:
                values.append(chart.target.path_from[1])
        low, high = min(values), max(values)
        self.grid = ticks(low, high if high > low else low + 1.0)
        self.left = max(LEFT, 8.0 + CHARACTER * max(len(_axis_words(value, chart)) for value in self.grid))
        self.first, self.last = min(years), max(years)
        self.right = WIDTH - 10.0 - max(map(label_width, words))
        self.years = sorted(set(years))

    def x(self, year: float) -> float:
        span = (self.last - self.first) or 1
        return round(self.left + (self.right - self.left) * (year - self.first) / span, 1)

    def y(self, value: float) -> float:
        low, high = self.grid[0], self.grid[-1]
        return round(TOP + (HEIGHT - BOTTOM - TOP) * (high - value) / (high - low), 1)


def _geometry(chart: TimeChart) -> dict[str, object]:
    frame = _Frame(chart)
    lines = [
        {
            "index": index,
            "colour": COLOURS[index % len(COLOURS)],
            "segments": [
                {
                    "x1": frame.x(a.year),
                    "y1": frame.y(a.value),
                    "x2": frame.x(b.year),
                    "y2": frame.y(b.value),
                    "is_full": b.year == a.year + 1 and a.is_observed and b.is_observed,
                }
                for a, b in pairwise(line.points)
            ],
            "points": [
                {"x": frame.x(p.year), "y": frame.y(p.value), "is_observed": p.is_observed}
                for p in line.points
            ],
        }
        for index, line in enumerate(chart.lines)
    ]
    return {
        "chart": chart,
        "width": WIDTH,
        "height": HEIGHT,
        "left": round(frame.left, 1),
        "right": round(frame.right, 1),
        "grid": [{"y": frame.y(value), "words": _axis_words(value, chart)} for value in frame.grid],
        "zero": frame.y(0.0),
        "years": [{"x": frame.x(year), "year": year} for year in _named_years(frame, chart)],
        "base": HEIGHT - 5.0,
        "lines": lines,
        "labels": _labels(frame, chart),
        "target": _target(frame, chart.target),
        "target_colour": TARGET_COLOUR,
    }


def _axis_words(value: float, chart: TimeChart) -> str:
    whole, _, decimals = f"{abs(value):,.{chart.decimals}f}".partition(".")
    text = whole.replace(",", chart.group_mark) + (f"{chart.decimal_mark}{decimals}" if decimals else "")
    if value == 0:
        return "0"
    return f"\u2212{text}" if value < 0 else f"+{text}" if chart.is_change else text


def _named_years(frame: _Frame, chart: TimeChart) -> list[int]:
    """The first, the last and the target's year, and decades where there is room."""
    newest = max(point.year for line in chart.lines for point in line.points)
    named = sorted({frame.first, newest, frame.last} if frame.last - newest > 3 else {frame.first, newest})
    for year in (y for y in frame.years if y % 10 == 0):
        if all(abs(frame.x(year) - frame.x(other)) >= YEAR_GAP for other in named):
            named.append(year)
    return sorted(named)


def _target(frame: _Frame, target: ChartTarget | None) -> dict[str, object] | None:
    if target is None:
        return None
    x, y = frame.x(target.year), frame.y(target.level)
    path = None
    if target.path_from is not None and target.path_from[0] >= frame.first:
        path = {"x1": frame.x(target.path_from[0]), "y1": frame.y(target.path_from[1])}
    return {"x": x, "y": y, "path": path}


def _labels(frame: _Frame, chart: TimeChart) -> list[dict[str, object]]:
    """The names beside the ends of their lines, moved apart where they would touch."""
    wanted = []
    for index, line in enumerate(chart.lines):
        end = line.points[-1]
        wanted.append((frame.y(end.value), frame.x(end.year), f"line-{index}", line.name, line.value))
    if chart.target is not None:
        target = chart.target
        wanted.append((frame.y(target.level), frame.x(target.year), "target", target.name, target.value))
    wanted.sort()
    places = spread([place for place, *_ in wanted], LABEL_HEIGHT, TOP, HEIGHT - BOTTOM - 8.0)
    colours = {f"line-{i}": COLOURS[i % len(COLOURS)] for i in range(len(chart.lines))}
    return [
        {
            # A label stands to the right of every line, so no line runs through it.
            "x": round(max(x, frame.right) + 7.0, 1),
            "y": round(place, 1),
            "class": kind,
            "colour": colours.get(kind, TARGET_COLOUR),
            "name": name,
            "value": value,
        }
        for place, (_, x, kind, name, value) in zip(places, wanted, strict=True)
    ]


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places moved apart to at least a gap, in their order, within bounds if they fit.

    Args:
        places: Ascending.
        gap: Least distance between neighbours.
        low: Least place.
        high: Greatest place.

    Example: 10, 12 with a gap of 20 between 0 and 100 → 10, 30.
    """
    moved: list[float] = []
    for place in places:
        moved.append(max(place, low if not moved else moved[-1] + gap))
    ceiling = high
    for index in range(len(moved) - 1, -1, -1):
        moved[index] = min(moved[index], ceiling)
        ceiling = moved[index] - gap
    return moved
