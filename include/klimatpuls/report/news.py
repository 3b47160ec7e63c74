"""Sections on what was released, and on what changed and why: a publication's causes in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.contract import catalog
from klimatpuls.contract.causes import (
    DaysCause,
    DecisionCause,
    RecalculatedCause,
    RegisterCause,
    ReleaseCause,
    StandingCause,
)
from klimatpuls.domain.regions import region
from klimatpuls.report.page import Bullets, Section
from klimatpuls.report.terms import dataset_name, standing_words
from klimatpuls.report.view import GHG, MEMBERS_TODAY, MEMBERS_WITHOUT_LARGEST, TERRITORIAL

if TYPE_CHECKING:
    from klimatpuls.contract.causes import Cause, OverrideCause
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Digest

MEMBERS_NAMED: Final = 3
"""Number of members named among those revised most."""


def released(digest: Digest, say: Speaker) -> Section | None:
    """What is new in this publication; None where it holds no new release."""
    new = {cause.release_id for cause in digest.causes if isinstance(cause, ReleaseCause)}
    items = []
    for release in digest.releases:
        if release.release_id not in new:
            continue
        source = catalog.source_of(release.dataset)
        gwp = f", {release.gwp_set}" if release.gwp_set else ""
        is_retrieved = source.dataset(release.dataset).dated_by_retrieval
        years = ""
        if release.years:
            years = say.plural(
                ", year {years}", ", years {years}", len(release.years), years=say.years(release.years)
            )
        items.append(
            say(
                "{name} from {title} ({publisher}), {dated} {day}{years}{gwp}.",
                name=dataset_name(release.dataset, release.substance, say),
                title=say.either(source.title_sv, source.title_en),
                publisher=source.publisher,
                dated=say("retrieved on") if is_retrieved else say("publisher's date"),
                day=say.day(release.published_date),
                years=years,
                gwp=gwp,
            )
        )
    if not items:
        return None
    return Section(say("What was released"), (Bullets(tuple(items)),))


def changed(digest: Digest, say: Speaker) -> Section:
    """What changed and why, one sentence per fact."""
    items = [sentence for cause in digest.causes for sentence in _cause_sentences(cause, digest, say)]
    if first := [c for c in digest.causes if isinstance(c, ReleaseCause) and c.first and c.is_current]:
        names = say.all_of([dataset_name(cause.dataset, cause.substance, say) for cause in first])
        items.append(
            say("Shown for the first time, with nothing earlier to compare with: {names}.", names=names)
        )
    if not items:
        items = [say("Nothing new since the last publication.")]
    return Section(say("What changed, and why"), (Bullets(tuple(items)),))


def _cause_sentences(cause: Cause, digest: Digest, say: Speaker) -> list[str]:
    if isinstance(cause, ReleaseCause):
        return _release_sentences(cause, digest, say)
    if isinstance(cause, RegisterCause):
        return [_register_sentence(cause, say)]
    if isinstance(cause, StandingCause):
        return [
            say(
                "{region_name}, {target}: from “{old}” to “{new}”.",
                region_name=region(cause.region_code).name,
                target=_title_of(cause.target_id, digest, say),
                old=standing_words(cause.old, say),
                new=standing_words(cause.new, say),
            )
        ]
    if isinstance(cause, DecisionCause):
        return [_decision_sentence(cause, say)]
    if isinstance(cause, DaysCause):
        return [_days_sentence(cause, say)]
    if isinstance(cause, RecalculatedCause):
        names = ", ".join(cause.tables)
        return [
            say("Tables that could not be calculated last time are calculated now: {names}.", names=names)
        ]
    return [_override_sentence(cause, say)]


def _title_of(target_id: str, digest: Digest, say: Speaker) -> str:
    """A target in the register's words; one that the register no longer has is just a target."""
    for target in digest.own_targets:
        if target.target_id == target_id:
            return say.either(target.title_sv, target.title_en)
    return say("a target")


def _register_sentence(cause: RegisterCause, say: Speaker) -> str:
    if cause.first:
        return say("The network's own data: the registers were read for the first time.")
    return say("The network's own data: the registers changed.")


def _days_sentence(cause: DaysCause, say: Speaker) -> str:
    counts = (
        (cause.criterion, say("criteria")),
        (cause.measure_status, say("measures")),
        (cause.pledge_status, say("pledges")),
    )
    statuses = ", ".join(f"{words} {count}" for count, words in counts if count)
    if not statuses:
        return say("Days have passed; what is shown outside and the figures are unchanged.")
    return say(
        "Days have passed, and dated statuses changed: {statuses}. The figures are unchanged.",
        statuses=statuses,
    )


def _override_sentence(cause: OverrideCause, say: Speaker) -> str:
    reason = say(" Reason: {reason}", reason=cause.reason) if cause.reason else ""
    return say(
        "Release {release_id} was put on hold and then approved by hand.{reason}",
        release_id=cause.release_id,
        reason=reason,
    )


def _decision_sentence(cause: DecisionCause, say: Speaker) -> str:
    name = dataset_name(cause.dataset, cause.substance, say)
    reason = say(" Reason: {reason}", reason=cause.reason) if cause.reason else ""
    if cause.kind == "withdrawn":
        done = say("{name}: release {release_id} was withdrawn.", name=name, release_id=cause.release_id)
    else:
        done = say(
            "{name}: release {release_id} is shown again after it was withdrawn.",
            name=name,
            release_id=cause.release_id,
        )
    if not cause.moves_current:
        now = say(" The current figures are unchanged.")
    elif cause.current is None:
        now = say(" No release takes its place.")
    else:
        now = say(" {current} is current now.", current=cause.current)
    return f"{done}{now}{reason}"


def _release_sentences(cause: ReleaseCause, digest: Digest, say: Speaker) -> list[str]:
    name = dataset_name(cause.dataset, cause.substance, say)
    if not cause.is_current:
        return [
            say(
                "{name}: an earlier release ({published_date}) was added to the archive. The "
                "current figures are unchanged.",
                name=name,
                published_date=cause.published_date,
            )
        ]
    if cause.first:
        return []  # No news by itself: all first releases are named in one sentence.
    sentences = []
    if cause.new_years:
        sentences.append(
            say.plural(
                "{name}: new year {years}.",
                "{name}: new years {years}.",
                len(cause.new_years),
                name=name,
                years=say.years(cause.new_years),
            )
        )
    if cause.vanished_years:
        years = say.years(cause.vanished_years)
        sentences.append(
            say(
                "{name}: the publisher no longer shows {years}. They are kept here, in the "
                "release that had them.",
                name=name,
                years=years,
            )
        )
    sentences += _revision_sentences(cause, name, digest, say)
    return sentences or [say("{name}: a new release without changed totals.", name=name)]


def _revision_sentences(cause: ReleaseCause, name: str, digest: Digest, say: Speaker) -> list[str]:
    """Sentences on revisions: members first, then the nation; international transport separately."""
    is_territorial = cause.boundary == TERRITORIAL
    scope = say(", without international transport") if is_territorial else ""
    sentences = []
    if is_territorial and cause.substance == GHG:
        sentences += _members_revision(digest, say)
    if cause.nation:
        moves = "; ".join(_move(str(moved.year), moved.old_t, moved.new_t, say) for moved in cause.nation)
        sentences.append(
            say(
                "Revision of {name}{scope}, the nation: {moves}.",
                name=name[:1].lower() + name[1:],
                scope=scope,
                moves=moves,
            )
        )
    began = [change for change in cause.nation if change.international_t is not None]
    if began:
        amounts = ", ".join(f"{change.year} {say.tonnes(change.international_t)}" for change in began)
        sentences.append(
            say(
                "The publisher began to count international transport (nation {amounts}). It "
                "is new in the total, is in no figure here and is no increase.",
                amounts=amounts,
            )
        )
    if cause.moved_share_pct is not None:
        share = say.share(cause.moved_share_pct)
        sentences.append(
            say(
                "{share} of the municipalities' yearly totals in both releases were revised by "
                "more than 5%. That is a new calculation or a new scope at the publisher, not "
                "changed emissions.",
                share=share,
            )
        )
    if cause.largest_movers:
        moves = "; ".join(
            _move(f"{moved.region_name} {moved.year}", moved.old_t, moved.new_t, say)
            for moved in cause.largest_movers
        )
        sentences.append(say("Revised the most of all municipalities: {moves}.", moves=moves))
    return sentences


def _members_revision(digest: Digest, say: Speaker) -> list[str]:
    """How far the members' previous year was revised; empty if no member was, or one is unknown."""
    year, known = digest.previous_year, digest.municipalities
    now = digest.point(MEMBERS_TODAY, TERRITORIAL, year) if year else None
    moved = [member for member in known if member.revision_of_previous_tco2e]
    if now is None or now.emissions_tco2e is None or not moved:
        return []
    if any(member.revision_of_previous_pct is None for member in known):
        return []
    change = sum(member.revision_of_previous_tco2e or 0.0 for member in moved)
    whole = _move(str(now.year), now.emissions_tco2e - change, now.emissions_tco2e, say)
    largest = digest.largest_emitter
    without = digest.point(MEMBERS_WITHOUT_LARGEST, TERRITORIAL, year)
    if largest is not None and without is not None and without.emissions_tco2e is not None:
        rest = change - (largest.revision_of_previous_tco2e or 0.0)
        before = without.emissions_tco2e - rest
        whole = say(
            "{move}; without {name} {change}",
            move=whole,
            name=largest.region_name,
            change=say.percent(100 * rest / before if before else None),
        )
    most = sorted(moved, key=lambda member: -abs(member.revision_of_previous_tco2e or 0.0))[:MEMBERS_NAMED]
    named = ", ".join(
        f"{member.region_name} {say.tonnes(member.revision_of_previous_tco2e or 0.0, signed=True)} "
        f"({say.percent(member.revision_of_previous_pct)})"
        for member in most
    )
    return [
        say(
            "Revision of the network's municipalities together, without international "
            "transport: {move}. Revised the most of them for {year}: {named}.",
            move=whole,
            year=year,
            named=named,
        )
    ]


def _move(label: str, old: float, new: float, say: Speaker) -> str:
    """A value in two releases, tonnes, with its change in percent; the label names the place and year."""
    size = f" ({say.percent(100 * (new - old) / old)})" if old else ""
    return f"{label}: {say.number(old)} → {say.tonnes(new)}{size}"
