"""What was released, and what changed and why: a publication's causes in sentences with numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.contract import catalog
from klimatpuls.report.numbers import NBSP
from klimatpuls.report.page import Bullets, Section
from klimatpuls.report.terms import REGISTERS, dataset_name, standing_words
from klimatpuls.report.view import (
    GHG,
    MEMBERS_TODAY,
    TERRITORIAL,
    Cause,
    Change,
    DaysCause,
    DecisionCause,
    RecalculatedCause,
    RegisterCause,
    ReleaseCause,
    StandingCause,
)

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Digest, OverrideCause

MEMBERS_NAMED: Final = 3
"""How many of the members that were revised most are named."""


def released(digest: Digest, say: Speaker) -> Section | None:
    """What is new in this publication; None where it holds no new release."""
    new = {cause.release_id for cause in digest.causes if isinstance(cause, ReleaseCause)}
    items = []
    for release in digest.releases:
        if release.release_id not in new:
            continue
        source = catalog.source_of(release.dataset)
        gwp = f", {release.gwp_set}" if release.gwp_set else ""
        dated_sv, dated_en = "utgivarens datum", "publisher's date"
        if source.dataset(release.dataset).dated_by_retrieval:
            dated_sv, dated_en = "hämtat den", "retrieved on"
        years_sv = years_en = ""
        if release.years:
            years_sv = f", år {say.years(release.years)}"
            years_en = f", {'year' if len(release.years) == 1 else 'years'} {say.years(release.years)}"
        items.append(
            say(
                f"{dataset_name(release.dataset, release.substance, say)} ur {source.title_sv} "
                f"({source.publisher}), {dated_sv} {say.day(release.published_date)}{years_sv}{gwp}.",
                f"{dataset_name(release.dataset, release.substance, say)} from {source.title_en} "
                f"({source.publisher}), {dated_en} {say.day(release.published_date)}{years_en}{gwp}.",
            )
        )
    if not items:
        return None
    return Section(say("Vad som har publicerats", "What was released"), (Bullets(tuple(items)),))


def changed(digest: Digest, say: Speaker) -> Section:
    """What changed and why, one sentence per fact."""
    items = [sentence for cause in digest.causes for sentence in _cause_sentences(cause, digest, say)]
    if not items:
        items = [say("Inget nytt sedan förra publiceringen.", "Nothing new since the last publication.")]
    return Section(say("Vad som har ändrats, och varför", "What changed, and why"), (Bullets(tuple(items)),))


def _cause_sentences(cause: Cause, digest: Digest, say: Speaker) -> list[str]:
    if isinstance(cause, ReleaseCause):
        return _release_sentences(cause, digest, say)
    if isinstance(cause, RegisterCause):
        return [_register_sentence(cause, say)]
    if isinstance(cause, StandingCause):
        return [
            say(
                f"Mål {cause.target_id} ({cause.region_name}): från ”{standing_words(cause.old, say)}” "
                f"till ”{standing_words(cause.new, say)}”.",
                f"Target {cause.target_id} ({cause.region_name}): from “{standing_words(cause.old, say)}” "
                f"to “{standing_words(cause.new, say)}”.",
            )
        ]
    if isinstance(cause, DecisionCause):
        return [_decision_sentence(cause, say)]
    if isinstance(cause, DaysCause):
        return [_days_sentence(cause, say)]
    if isinstance(cause, RecalculatedCause):
        names = ", ".join(cause.tables)
        return [
            say(
                f"Tabeller som inte kunde beräknas förra gången är beräknade nu: {names}.",
                f"Tables that could not be calculated last time are calculated now: {names}.",
            )
        ]
    return [_override_sentence(cause, say)]


def _register_sentence(cause: RegisterCause, say: Speaker) -> str:
    known = REGISTERS.get(cause.register or "", ("registren", "the registers"))
    if cause.first:
        return say(
            f"Nätverkets egna uppgifter: {known[0]} är inlästa för första gången.",
            f"The network's own data: {known[1]} were read for the first time.",
        )
    return say(
        f"Nätverkets egna uppgifter: {known[0]} har ändrats.",
        f"The network's own data: {known[1]} changed.",
    )


def _days_sentence(cause: DaysCause, say: Speaker) -> str:
    counts = (
        (cause.criteria, say("kriterier", "criteria")),
        (cause.measures, say("åtgärder", "measures")),
        (cause.pledges, say("klimatlöften", "pledges")),
    )
    told = ", ".join(f"{words} {count}" for count, words in counts if count)
    if not told:
        return say(
            "Dagar har gått; det som visas utåt och siffrorna är oförändrade.",
            "Days have passed; what is shown outside and the figures are unchanged.",
        )
    return say(
        f"Dagar har gått, och daterade lägen har ändrats: {told}. Siffrorna är oförändrade.",
        f"Days have passed, and dated statuses changed: {told}. The figures are unchanged.",
    )


def _override_sentence(cause: OverrideCause, say: Speaker) -> str:
    reason = say(f" Skäl: {cause.reason}", f" Reason: {cause.reason}") if cause.reason else ""
    return say(
        f"Utgåvan {cause.release_id} stoppades och godkändes sedan för hand.{reason}",
        f"Release {cause.release_id} was put on hold and then approved by hand.{reason}",
    )


def _decision_sentence(cause: DecisionCause, say: Speaker) -> str:
    name = dataset_name(cause.dataset, cause.substance, say)
    reason = say(f" Skäl: {cause.reason}", f" Reason: {cause.reason}") if cause.reason else ""
    if cause.is_withdrawal:
        done = say(
            f"{name}: utgåvan {cause.release_id} har dragits tillbaka.",
            f"{name}: release {cause.release_id} was withdrawn.",
        )
    else:
        done = say(
            f"{name}: utgåvan {cause.release_id} gäller åter sedan den drogs tillbaka.",
            f"{name}: release {cause.release_id} is shown again after it was withdrawn.",
        )
    if not cause.moves_current:
        now = say(" De gällande siffrorna är oförändrade.", " The current figures are unchanged.")
    elif cause.current is None:
        now = say(" Ingen utgåva gäller i stället.", " No release takes its place.")
    else:
        now = say(f" Nu gäller {cause.current}.", f" {cause.current} is current now.")
    return f"{done}{now}{reason}"


def _release_sentences(cause: ReleaseCause, digest: Digest, say: Speaker) -> list[str]:
    name = dataset_name(cause.dataset, cause.substance, say)
    if not cause.is_current:
        return [
            say(
                f"{name}: en tidigare utgåva ({cause.published_date}) har lagts till i arkivet. De "
                "gällande siffrorna är oförändrade.",
                f"{name}: an earlier release ({cause.published_date}) was added to the archive. The "
                "current figures are unchanged.",
            )
        ]
    if cause.first:
        return [
            say(
                f"{name}: första utgåvan i det här lagret, så det finns ingen tidigare att jämföra med.",
                f"{name}: the first release in this warehouse, so there is no earlier one to compare with.",
            )
        ]
    sentences = []
    if cause.new_years:
        sentences.append(
            say(
                f"{name}: nytt år {say.years(cause.new_years)}.",
                f"{name}: new year {say.years(cause.new_years)}.",
            )
            if len(cause.new_years) == 1
            else say(
                f"{name}: nya år {say.years(cause.new_years)}.",
                f"{name}: new years {say.years(cause.new_years)}.",
            )
        )
    if cause.vanished_years:
        years = say.years(cause.vanished_years)
        sentences.append(
            say(
                f"{name}: utgivaren visar inte längre {years}. De finns kvar här, i den utgåva som hade dem.",
                f"{name}: the publisher no longer shows {years}. They are kept here, in the release that "
                "had them.",
            )
        )
    sentences += _revision_sentences(cause, name, digest, say)
    return sentences or [
        say(f"{name}: ny utgåva utan ändrade totalsummor.", f"{name}: a new release without changed totals.")
    ]


def _revision_sentences(cause: ReleaseCause, name: str, digest: Digest, say: Speaker) -> list[str]:
    """What was revised: the members first, the nation as context; international transport apart."""
    is_territorial = cause.boundary == TERRITORIAL
    scope = say(", utan utrikes transporter", ", without international transport") if is_territorial else ""
    sentences = []
    if is_territorial and cause.substance == GHG:
        sentences += _members_revision(digest, say)
    if cause.nation:
        moves = "; ".join(_move(change, say) for change in cause.nation)
        sentences.append(
            say(
                f"Revidering av {name[0].lower()}{name[1:]}{scope}, hela landet: {moves}.",
                f"Revision of {name[0].lower()}{name[1:]}{scope}, the nation: {moves}.",
            )
        )
    began = [change for change in cause.nation if change.international_t is not None]
    if began:
        amounts = ", ".join(f"{change.year} {say.tonnes(change.international_t)}" for change in began)
        sentences.append(
            say(
                f"Utgivaren har börjat räkna med utrikes transporter (hela landet {amounts}). De är nya i "
                "summan, ingår inte i siffrorna här och är ingen ökning.",
                f"The publisher began to count international transport (nation {amounts}). It is new in the "
                "total, is in no figure here and is no increase.",
            )
        )
    if cause.moved_share_pct is not None:
        share = say.share(cause.moved_share_pct)
        sentences.append(
            say(
                f"{share} av kommunernas årssummor i båda utgåvorna har reviderats med mer än 5{NBSP}%. "
                "Det är nya beräkningar eller en ny avgränsning hos utgivaren, inte ändrade utsläpp.",
                f"{share} of the municipalities' yearly totals in both releases were revised by more than "
                "5%. That is a new calculation or a new scope at the publisher, not changed emissions.",
            )
        )
    if cause.largest_movers:
        moves = "; ".join(_move(change, say) for change in cause.largest_movers)
        sentences.append(
            say(
                f"Mest reviderade av alla kommuner: {moves}.",
                f"Revised the most of all municipalities: {moves}.",
            )
        )
    return sentences


def _members_revision(digest: Digest, say: Speaker) -> list[str]:
    """How far the members' previous year was revised; nothing where no member was, or one is not known."""
    year, known = digest.previous_year, digest.municipalities
    now = digest.point(MEMBERS_TODAY, TERRITORIAL, year) if year else None
    moved = [member for member in known if member.revision_of_previous_tco2e]
    if now is None or now.emissions_tco2e is None or not moved:
        return []
    if any(member.revision_of_previous_pct is None for member in known):
        return []
    change = sum(member.revision_of_previous_tco2e or 0.0 for member in moved)
    whole = Change(
        region_name=None, year=now.year, old_t=now.emissions_tco2e - change, new_t=now.emissions_tco2e
    )
    most = sorted(moved, key=lambda member: -abs(member.revision_of_previous_tco2e or 0.0))[:MEMBERS_NAMED]
    named = ", ".join(
        f"{member.region_name} {say.number(member.revision_of_previous_tco2e or 0.0, signed=True)}{NBSP}"
        f"{say('ton', 'tonnes')} ({say.percent(member.revision_of_previous_pct)})"
        for member in most
    )
    return [
        say(
            f"Revidering av nätverkets kommuner tillsammans, utan utrikes transporter: {_move(whole, say)}. "
            f"Mest reviderade av dem {year}: {named}.",
            f"Revision of the network's municipalities together, without international transport: "
            f"{_move(whole, say)}. Revised the most of them for {year}: {named}.",
        )
    ]


def _move(change: Change, say: Speaker) -> str:
    where = f"{change.region_name} {change.year}" if change.region_name else str(change.year)
    size = f" ({say.percent(100 * (change.new_t - change.old_t) / change.old_t)})" if change.old_t else ""
    return f"{where}: {say.number(change.old_t)} → {say.tonnes(change.new_t)}{size}"
