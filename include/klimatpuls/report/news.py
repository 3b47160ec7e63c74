"""What was released, and what changed and why: a publication's causes in sentences with numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls import catalog
from klimatpuls.report.numbers import NBSP
from klimatpuls.report.page import Bullets, Section
from klimatpuls.report.terms import REGISTERS, dataset_name, standing_words
from klimatpuls.report.view import (
    Cause,
    DaysCause,
    DecisionCause,
    RecalculatedCause,
    RegisterCause,
    ReleaseCause,
    StandingCause,
)

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Change, Digest, OverrideCause


def released(digest: Digest, say: Speaker) -> Section | None:
    """What is new in this publication; None where it holds no new release."""
    new = {cause.release_id for cause in digest.causes if isinstance(cause, ReleaseCause)}
    items = []
    for release in digest.releases:
        if release.release_id not in new:
            continue
        source = catalog.source_of(release.dataset)
        gwp = f", {release.gwp_set}" if release.gwp_set else ""
        year_word = "year" if len(release.years) == 1 else "years"
        items.append(
            say(
                f"{dataset_name(release.dataset, release.substance, say)} ur {source.title_sv} "
                f"({source.publisher}), utgivarens datum {say.day(release.published_date)}, år "
                f"{say.years(release.years)}{gwp}.",
                f"{dataset_name(release.dataset, release.substance, say)} from {source.title_en} "
                f"({source.publisher}), publisher's date {say.day(release.published_date)}, {year_word} "
                f"{say.years(release.years)}{gwp}.",
            )
        )
    if not items:
        return None
    return Section(say("Vad som har publicerats", "What was released"), (Bullets(tuple(items)),))


def changed(digest: Digest, say: Speaker) -> Section:
    """What changed and why, one sentence per fact."""
    items = [sentence for cause in digest.causes for sentence in _cause_sentences(cause, say)]
    if not items:
        items = [say("Inget nytt sedan förra publiceringen.", "Nothing new since the last publication.")]
    return Section(say("Vad som har ändrats, och varför", "What changed, and why"), (Bullets(tuple(items)),))


def _cause_sentences(cause: Cause, say: Speaker) -> list[str]:
    if isinstance(cause, ReleaseCause):
        return _release_sentences(cause, say)
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


def _release_sentences(cause: ReleaseCause, say: Speaker) -> list[str]:
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
    sentences += _revision_sentences(cause, name, say)
    return sentences or [
        say(f"{name}: ny utgåva utan ändrade totalsummor.", f"{name}: a new release without changed totals.")
    ]


def _revision_sentences(cause: ReleaseCause, name: str, say: Speaker) -> list[str]:
    sentences = []
    if cause.nation:
        moves = "; ".join(_move(change, say) for change in cause.nation)
        sentences.append(
            say(
                f"Revidering av {name[0].lower()}{name[1:]}, hela landet: {moves}.",
                f"Revision of {name[0].lower()}{name[1:]}, the nation: {moves}.",
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
        sentences.append(say(f"Mest reviderade: {moves}.", f"Revised the most: {moves}."))
    return sentences


def _move(change: Change, say: Speaker) -> str:
    where = f"{change.region_name} {change.year}" if change.region_name else str(change.year)
    size = f" ({say.percent(100 * (change.new_t - change.old_t) / change.old_t)})" if change.old_t else ""
    return f"{where}: {say.number(change.old_t)} → {say.tonnes(change.new_t)}{size}"
