"""The digest's one chart: network with and without its largest emitter, nation, rest of Sweden, as a PNG.

The axis is a true time axis. Values are points. A full line joins only consecutive years; a thin dotted line
spans gaps and stands for no values. The colours are Okabe and Ito's, which colour-blind readers can tell
apart; every line also has its own marker and its name at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.report.numbers import MINUS, Speaker
from klimatpuls.report.view import BASE_YEAR, MEMBERS_TODAY, MEMBERS_WITHOUT_LARGEST, NATION, REST_OF_SWEDEN
from klimatpuls.translations import LANGUAGES, NBSP, message, translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.report.view import Digest
    from klimatpuls.translations import Language

WIDTH_INCHES: Final = 5.0
HEIGHT_INCHES: Final = 4.3
DOTS_PER_INCH: Final = 220
INK: Final = "#1b1f23"
FAINT: Final = "#6b7280"
LABEL_DISTANCE: Final = 0.075
"""Minimum distance between two line labels, as a share of the axis."""


@dataclass(frozen=True)
class _Style:
    panel: str
    name: str
    colour: str
    marker: str
    width: float


STYLES: Final = (
    _Style(MEMBERS_TODAY, message("network"), "#0072B2", "o", 2.6),
    _Style(MEMBERS_WITHOUT_LARGEST, message("without {name}"), "#009E73", "D", 1.5),
    _Style(NATION, message("nation"), "#1b1f23", "s", 1.5),
    _Style(REST_OF_SWEDEN, message("rest of Sweden"), "#D55E00", "^", 1.5),
)


def alt_text(digest: Digest, lang: Language) -> str:
    """The alternative text of the chart: its result in words and numbers.

    Args:
        digest: The digest.
        lang: Language of the text.
    """
    say = Speaker(lang)
    year = digest.last_year
    values = {
        style.panel: point.change_since_1990_pct
        for style in STYLES
        if (point := digest.point(style.panel, "territorial", year)) is not None
    }
    network = values.get(MEMBERS_TODAY)
    nation = values.get(NATION)
    rest = values.get(REST_OF_SWEDEN)
    if network is None:
        return say(
            "Chart: change of emissions since {base_year}. There is no figure of the "
            "network for {year}; for the nation the change is {nation}.",
            base_year=BASE_YEAR,
            year=year,
            nation=say.percent(nation),
        )
    return say(
        "Chart: change from {base_year} to {year}. The network {network} (without the largest emitter "
        "{without}), the nation {nation}, the rest of Sweden {rest}.",
        base_year=BASE_YEAR,
        year=year,
        network=say.percent(network),
        without=say.percent(values.get(MEMBERS_WITHOUT_LARGEST)),
        nation=say.percent(nation),
        rest=say.percent(rest),
    )


def draw_chart(digest: Digest) -> bytes:
    """Draw the chart.

    Args:
        digest: The digest; panels without a value are left out.

    Returns:
        A PNG, 1100 dots wide; equal digests give equal bytes.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({"font.family": "DejaVu Sans", "font.size": 10.5, "path.simplify": False}):
        figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DOTS_PER_INCH, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.115, 0.10, 0.53, 0.745))
        ends = _draw_lines(axes, digest)
        _dress(axes, digest)
        _name_lines(axes, ends, digest)
        _head(figure, digest)
        buffer = BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw_lines(axes: Any, digest: Digest) -> list[tuple[_Style, float]]:
    """Draw every panel; returns each one's last value, percent."""
    ends = []
    for style in reversed(STYLES):
        points = [
            (point.year, point.change_since_1990_pct)
            for point in digest.line(style.panel)
            if point.change_since_1990_pct is not None
        ]
        if not points:
            continue
        for (year, value), (next_year, next_value) in pairwise(points):
            follows = next_year == year + 1
            axes.plot(
                (year, next_year),
                (value, next_value),
                color=style.colour,
                linewidth=style.width if follows else 0.9,
                linestyle="solid" if follows else (0, (1.2, 2.2)),
                solid_capstyle="round",
            )
        years, values = zip(*points, strict=True)
        axes.plot(
            years,
            values,
            linestyle="none",
            marker=style.marker,
            markersize=6.0 if style.panel == MEMBERS_TODAY else 4.6,
            markerfacecolor=style.colour,
            markeredgecolor="white",
            markeredgewidth=0.7,
        )
        ends.append((style, float(values[-1])))
    return ends


def _dress(axes: Any, digest: Digest) -> None:
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    last = digest.last_year
    axes.set_xlim(BASE_YEAR - 1.2, last + 1.2)
    axes.set_xticks([year for year in range(BASE_YEAR, last + 1, 10) if last - year >= 6] + [last])
    axes.margins(y=0.08)
    low, high = axes.get_ylim()
    axes.set_ylim(low, max(high, 2.5))
    axes.yaxis.set_major_locator(MultipleLocator(10 if high - low < 70 else 20))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _signed(value)))
    axes.axhline(0, color=INK, linewidth=0.9)
    axes.grid(axis="y", color="#e3e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=FAINT, pad=5)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def _signed(value: float) -> str:
    rounded = round(value)
    return f"{MINUS}{-rounded}" if rounded < 0 else f"+{rounded}" if rounded > 0 else "0"


def _name_lines(axes: Any, ends: Sequence[tuple[_Style, float]], digest: Digest) -> None:
    """Label each line at its end with its name and last value; labels never overlap."""
    last_year, largest = digest.last_year, digest.largest_emitter
    emitter = "" if largest is None else largest.region_name
    low, high = axes.get_ylim()
    step = 2 * LABEL_DISTANCE * (high - low)
    placed: list[float] = []
    ordered = sorted(ends, key=lambda end: -end[1])
    for _, value in ordered:
        placed.append(value if not placed else min(value, placed[-1] - step))
    below = low + step / 2 - (placed[-1] if placed else low)
    shift = max(0.0, below)
    middle = sum(value for _, value in ordered) / len(ordered) if ordered else 0.0
    shift += max(0.0, (middle - sum(placed) / len(placed)) if placed and not shift else 0.0)
    for (style, value), place in zip(ordered, placed, strict=True):
        axes.annotate(
            f"{translate('sv', style.name, name=emitter)} {_signed(value)}{NBSP}%\n"
            f"{translate('en', style.name, name=emitter)}",
            xy=(last_year, value),
            xytext=(last_year + 2.2, place + shift),
            color=style.colour,
            fontsize=9.6,
            fontweight="bold" if style.panel == MEMBERS_TODAY else "normal",
            verticalalignment="center",
            linespacing=1.25,
            annotation_clip=False,
        )


def _head(figure: Any, digest: Digest) -> None:
    years = f"{BASE_YEAR}–{digest.last_year}"
    figure.text(
        0.02,
        0.955,
        translate("sv", "Emissions {years}, change in %", years=years),
        fontsize=13,
        fontweight="bold",
        color=INK,
        va="center",
    )
    figure.text(
        0.02,
        0.893,
        translate("en", "Emissions {years}, change in %, without international transport", years=years),
        fontsize=9.6,
        color=FAINT,
        va="center",
    )
    if digest.origin == "synthetic":
        figure.text(
            0.42,
            0.45,
            "\n".join(translate(language, "SYNTHETIC FIGURES") for language in LANGUAGES),
            fontsize=19,
            color="#b42318",
            alpha=0.28,
            rotation=24,
            ha="center",
            va="center",
            fontweight="bold",
        )
