"""The network's figures that a digest leads with, and what became of those that were mailed before."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from klimatpuls.report.view import BASE_YEAR, MEMBERS_TODAY, TERRITORIAL, Headline, HeadlineFigure
from klimatpuls.translations import message

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Digest, FigureKind


def headline_of(digest: Digest) -> Headline | None:
    """What the digest leads with: the network's figures of the latest year, None where it has none.

    It is kept beside the mail, so that a later digest can tell which figures have been corrected since.
    """
    year, before = digest.last_year, digest.previous_year
    asked: list[tuple[FigureKind, int | None]] = [
        ("emissions", None),
        ("change", before),
        ("change", BASE_YEAR),
        ("per_inhabitant", None),
        ("change_per_inhabitant", BASE_YEAR),
    ]
    values = [(kind, since, _value(digest, kind, year, since)) for kind, since in dict.fromkeys(asked)]
    figures = tuple(
        HeadlineFigure(kind=kind, year=year, since=since, value=value)
        for kind, since, value in values
        if value is not None
    )
    if not figures:
        return None
    return Headline(members=_members(digest), method_version=digest.method_version, figures=figures)


def headline_to_json(headline: Headline) -> dict[str, Any]:
    """The headline as it is stored, for :func:`klimatpuls.report.view.build_digest` to read."""
    return {
        "members": list(headline.members),
        "method_version": headline.method_version,
        "figures": [asdict(figure) for figure in headline.figures],
    }


def corrections(digest: Digest, say: Speaker) -> list[str]:
    """A sentence with both figures per headline that was mailed and now reads otherwise, as it is printed.

    A figure that can no longer be calculated is left out: nothing corrects it.
    """
    mailed = digest.mailed
    if mailed is None:
        return []
    if mailed.members != _members(digest):
        text = message("In the last letter we wrote {old} for {what}; with today's members it is {new}.")
    elif mailed.method_version != digest.method_version:
        text = message("In the last letter we wrote {old} for {what}; with today's method it is {new}.")
    else:
        text = message("In the last letter we wrote {old} for {what}; with corrected figures it is {new}.")
    sentences = []
    for figure in mailed.figures:
        value = _value(digest, figure.kind, figure.year, figure.since)
        if value is None:
            continue
        old, new = (_printed(figure.kind, one, say) for one in (figure.value, value))
        if old != new:
            sentences.append(say(text, old=old, what=_name(figure, say), new=new))
    return sentences


def _members(digest: Digest) -> tuple[str, ...]:
    return tuple(sorted(member.region_code for member in digest.municipalities))


def _value(digest: Digest, kind: FigureKind, year: int, since: int | None) -> float | None:
    if kind == "change":
        return digest.change_pct(MEMBERS_TODAY, since, year)
    point = digest.point(MEMBERS_TODAY, TERRITORIAL, year)
    if point is None:
        return None
    if kind == "emissions":
        return point.emissions_tco2e
    return point.t_per_capita if kind == "per_inhabitant" else point.per_capita_change_since_1990_pct


def _printed(kind: FigureKind, value: float, say: Speaker) -> str:
    """A figure as the digest prints it."""
    if kind == "emissions":
        return say.million_tonnes(value)
    return say.per_head(value) if kind == "per_inhabitant" else say.percent(value)


def _name(figure: HeadlineFigure, say: Speaker) -> str:
    year, since = figure.year, figure.since
    if figure.kind == "emissions":
        return say("the network's emissions in {year}", year=year)
    if figure.kind == "per_inhabitant":
        return say("the network's emissions per inhabitant in {year}", year=year)
    if figure.kind == "change":
        return say("the change of the network's emissions {since}–{year}", since=since, year=year)
    return say("the change of the network's emissions per inhabitant {since}–{year}", since=since, year=year)
