"""The digest in words: one :class:`~klimatpuls.report.page.Page` per language from one digest.

Swedish and English stand side by side in every call, so that neither says less than the other. Standings
are worded as methods section 6 asks: "7 of 8 ways", never a probability, and always with their release
and latest data year.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls import catalog
from klimatpuls.clock import stockholm_date
from klimatpuls.report.chart import alt_text
from klimatpuls.report.numbers import MISSING, NBSP, Language, Speaker
from klimatpuls.report.page import (
    Block,
    Bullets,
    KeyFigure,
    KeyFigures,
    Page,
    Paragraph,
    Picture,
    Section,
    Table,
)
from klimatpuls.report.view import (
    BASE_YEAR,
    EMISSIONS,
    GHG,
    MEMBERS_AT_THE_TIME,
    MEMBERS_TODAY,
    MEMBERS_WITHOUT_LARGEST,
    NATION,
    PROXY,
    REST_OF_SWEDEN,
    TERRITORIAL,
    VARIANTS,
    Change,
    OverrideCause,
    RegisterCause,
    ReleaseCause,
    StandingCause,
)
from klimatpuls.substances import substances
from klimatpuls.trend import MIN_POINTS, MIN_SPAN_YEARS, TREND_FROM_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from klimatpuls.report.view import Cause, DataStatus, Digest, Finding, OwnTarget, Standing, SummaryPoint

NOTABLE_REVISION_PCT: Final = 5.0
"""A revised value of the year before is told from this size on, percent."""
NOT_BY_SUBSTANCE: Final = "all"

_PANELS: Final[dict[str, tuple[str, str]]] = {
    MEMBERS_TODAY: ("Dagens medlemmar", "Members today"),
    MEMBERS_AT_THE_TIME: ("Medlemmarna vid tiden", "Members at the time"),
    MEMBERS_WITHOUT_LARGEST: ("Utan den största utsläpparen", "Without the largest emitter"),
    REST_OF_SWEDEN: ("Övriga Sverige", "Rest of Sweden"),
    NATION: ("Hela landet", "The nation"),
}
_BOUNDARIES: Final[dict[str, tuple[str, str]]] = {
    "published_total": ("publicerad summa", "published total"),
    TERRITORIAL: ("territoriella utsläpp", "territorial emissions"),
    PROXY: ("utanför utsläppshandeln (närmevärde)", "outside emissions trading (proxy)"),
    "domestic_transport": ("inrikes transporter utan flyg", "domestic transport without aviation"),
    "own_series": ("egen serie", "own series"),
}
_STANDINGS: Final[dict[str, tuple[str, str]]] = {
    "met": ("nått", "met"),
    "missed": ("missat", "missed"),
    "awaiting_data": ("målåret har passerat, siffran väntas", "target year passed, figure awaited"),
    "below_level": ("under nivån nu, målåret återstår", "below the level now, not reached"),
    "all_below": ("under nivån på alla sätt att räkna", "below the level in every way of reckoning"),
    "most_below": ("under nivån på de flesta sätt att räkna", "below the level in most ways of reckoning"),
    "split": ("hälften av sätten att räkna når nivån", "half of the ways of reckoning reach the level"),
    "few_below": ("under nivån på få sätt att räkna", "below the level in few ways of reckoning"),
    "none_below": ("över nivån på alla sätt att räkna", "above the level in every way of reckoning"),
    "too_far": ("för långt fram för att räkna", "too far ahead to reckon"),
    "insufficient_data": ("för lite data", "insufficient data"),
    "not_computable": ("kan inte räknas", "not computable"),
}
_FRESHNESS: Final[dict[str, tuple[str, str]]] = {
    "fresh": ("aktuell", "fresh"),
    "due": ("ny väntas", "due"),
    "stale": ("försenad", "stale"),
    "failed": ("hämtning misslyckades", "fetch failed"),
    "held": ("väntar på beslut", "on hold"),
    "not_yet_published": ("ännu inte publicerad", "not yet published"),
}
_FLAGS: Final[dict[str, tuple[str, str]]] = {
    "one_plant": (
        "Industri och energi är mer än hälften av utsläppen, så en enda anläggning kan avgöra",
        "Industry and energy are more than half of the emissions, so a single plant can decide",
    ),
    "aviation_estimated": ("Inrikes flyg är uppskattat", "Domestic aviation is estimated"),
    "aviation_included": ("Inrikes flyg ingår i närmevärdet", "Domestic aviation is part of the proxy"),
}
_SHOWN_FLAGS: Final = ("one_plant",)
_REGISTERS: Final[dict[str, tuple[str, str]]] = {
    "members": ("medlemsregistret", "the register of members"),
    "targets": ("målregistret", "the register of targets"),
}
_REASONS: Final[dict[str, tuple[str, str]]] = {
    "no_population": ("ingen folkmängd för året finns i lagret", "no population of that year is held"),
    "borders_changed": (
        "gränsen har ändrats, och folkmängden i dagens gräns finns inte för året",
        "the border has changed, and no population in today's border is held for that year",
    ),
    "join_date_unknown": (
        "medlemmarnas inträdesdatum är inte inlagda",
        "the dates on which members joined have not been entered",
    ),
    "no_emissions": ("utsläppssiffra saknas", "an emission figure is missing"),
    "no_members": ("ingen medlem är bekräftad", "no member is confirmed"),
    "base_too_small": ("utgångsvärdet är för litet", "the base is too small"),
    "too_few_points": (
        f"färre än {MIN_POINTS} observerade år",
        f"fewer than {MIN_POINTS} observed years",
    ),
    "span_too_short": (
        f"åren spänner över färre än {MIN_SPAN_YEARS} år",
        f"the years span fewer than {MIN_SPAN_YEARS}",
    ),
}


def write_page(digest: Digest, lang: Language) -> Page:
    """Write the digest in one language.

    Args:
        digest: What to say.
        lang: ``sv`` or ``en``.
    """
    say = Speaker(lang)
    return Page(
        lang=lang,
        title=_title(digest, say),
        subtitle=say(
            f"Klimatpuls för Klimatkommunerna, läget {say.day(digest.as_of)}",
            f"Klimatpuls for Klimatkommunerna, as of {say.day(digest.as_of)}",
        ),
        banner=_banner(digest, say),
        sections=tuple(
            section
            for section in (
                _in_short(digest, say),
                _released(digest, say),
                _changed(digest, say),
                _comparison(digest, say),
                _members(digest, say),
                _parts(digest, say),
                _targets(digest, say),
                _warnings(digest, say),
                _missing(digest, say),
                _certainty(digest, say),
                _sources(digest, say),
                _freshness(digest, say),
            )
            if section is not None
        ),
        footer=(
            say(
                "Det här brevet skrevs och skickades automatiskt av Klimatpuls när siffrorna publicerades.",
                "This mail was written and sent automatically by Klimatpuls when the figures were published.",
            ),
            say(
                f"Publicering {digest.publication_id}, metodversion {digest.method_version}, "
                f"utgåva {digest.emissions.release_id}.",
                f"Publication {digest.publication_id}, method version {digest.method_version}, "
                f"release {digest.emissions.release_id}.",
            ),
        ),
    )


def subject(digest: Digest) -> str:
    """The subject line, Swedish and English, with the origin first where the figures are not live."""
    prefix = {
        "live": "",
        "archive": "[ARKIV / ARCHIVE] ",
        "synthetic": "[PÅHITTADE SIFFROR / SYNTHETIC FIGURES] ",
    }[digest.origin]
    return f"{prefix}{_title(digest, Speaker('sv'))} / {_title(digest, Speaker('en'))}"


def _title(digest: Digest, say: Speaker) -> str:
    year = digest.last_year
    causes = [
        cause
        for cause in digest.causes
        if isinstance(cause, ReleaseCause)
        and cause.is_current
        and (cause.dataset, cause.substance) == (EMISSIONS, GHG)
    ]
    if any(cause.first or cause.new_years for cause in causes):
        return say(f"Nya utsläppssiffror: {year}", f"New emission figures: {year}")
    if causes:
        return say(f"Reviderade utsläppssiffror till {year}", f"Revised emission figures to {year}")
    if any(isinstance(cause, StandingCause) for cause in digest.causes):
        return say("Ändrat läge för medlemmars mål", "Changed standing of members' targets")
    return say("Ändringar i nätverkets register", "Changes in the network's registers")


def _banner(digest: Digest, say: Speaker) -> str | None:
    if digest.origin == "synthetic":
        return say(
            "PÅHITTADE SIFFROR. Allt i det här brevet är slumpat för att pröva systemet. Inget av det är "
            "statistik, och inget får användas eller spridas.",
            "SYNTHETIC FIGURES. Everything in this mail was made up to try the system. None of it is "
            "statistics, and none of it may be used or passed on.",
        )
    if digest.origin == "archive":
        return say(
            f"SIFFROR UR ETT ARKIV. De är inte hämtade direkt från myndigheterna utan ur en mapp med äldre "
            f"utgåvor, så som läget var {say.day(digest.as_of)}. Det kan finnas nyare.",
            f"FIGURES FROM AN ARCHIVE. They were not fetched from the agencies but from a folder of earlier "
            f"releases, as things stood on {say.day(digest.as_of)}. There may be newer ones.",
        )
    return None


# ---------------------------------------------------------------- in short


def _in_short(digest: Digest, say: Speaker) -> Section:
    year, before = digest.last_year, digest.previous_year
    network = digest.point(MEMBERS_TODAY, TERRITORIAL, year)
    nation = digest.point(NATION, TERRITORIAL, year)
    figures: list[KeyFigure] = []
    if network is not None and nation is not None:
        figures = [
            KeyFigure(
                say(f"Nätverkets utsläpp {year}", f"The network's emissions {year}"),
                _short_million(say, network.emissions_tco2e),
                say(
                    f"{network.region_count} kommuner; hela landet "
                    f"{_short_million(say, nation.emissions_tco2e)}",
                    f"{network.region_count} municipalities; nation "
                    f"{_short_million(say, nation.emissions_tco2e)}",
                ),
            ),
            KeyFigure(
                say(f"Per invånare {year}", f"Per inhabitant {year}"),
                *_per_head_at_a_glance(say, network, nation),
            ),
            KeyFigure(
                say(f"Sedan {before}", f"Since {before}"),
                say.percent(digest.change_since_previous_pct(MEMBERS_TODAY)),
                _nation_beside(say, say.percent(digest.change_since_previous_pct(NATION))),
            ),
            KeyFigure(
                say(f"Sedan {BASE_YEAR}", f"Since {BASE_YEAR}"),
                say.percent(network.change_since_1990_pct),
                _nation_beside(say, say.percent(nation.change_since_1990_pct)),
            ),
        ]
    blocks: list[Block] = [Paragraph(_finding_in_short(digest, say), tone="lead")]
    if figures:
        blocks.append(KeyFigures(tuple(figures)))
    return Section(say("Kort sagt", "In short"), tuple(blocks))


def _short_million(say: Speaker, value: float | None) -> str:
    if value is None:
        return MISSING
    return say.number(value / 1e6, 2) + NBSP + say(f"milj.{NBSP}ton", f"million{NBSP}t")


def _per_head_at_a_glance(say: Speaker, network: SummaryPoint, nation: SummaryPoint) -> tuple[str, str]:
    """Value and detail; where there is none, that it is missing and where the reason stands."""
    if network.t_per_capita is None:
        return say("saknas", "missing"), say("skälet står längre ned", "the reason stands further down")
    return say.per_head(network.t_per_capita), _nation_beside(say, say.per_head(nation.t_per_capita))


def _nation_beside(say: Speaker, value: str) -> str:
    return say(f"hela landet {value}", f"nation {value}")


def _finding_in_short(digest: Digest, say: Speaker) -> str:
    year, before = digest.last_year, digest.previous_year
    network = digest.point(MEMBERS_TODAY, TERRITORIAL, year)
    if network is None or network.emissions_tco2e is None:
        return say(
            f"Utsläppen till {year} är publicerade. Nätverkets summa kan inte visas: {_no_network(say)}.",
            f"Emissions to {year} are published. The network's sum cannot be shown: {_no_network(say)}.",
        )
    change = digest.change_since_previous_pct(MEMBERS_TODAY)
    nation = digest.change_since_previous_pct(NATION)
    sentences = [
        say(
            f"Utsläppen i nätverkets {network.region_count} kommuner var "
            f"{say.million_tonnes(network.emissions_tco2e)} växthusgaser {year}.",
            f"Emissions in the network's {network.region_count} municipalities were "
            f"{say.million_tonnes(network.emissions_tco2e)} of greenhouse gases in {year}.",
        )
    ]
    if change is not None:
        sentences.append(
            say(
                f"Det är {_more_or_less(say, change)} än {before}; i hela landet är ändringen "
                f"{say.percent(nation)}.",
                f"That is {_more_or_less(say, change)} than in {before}; for the nation the change is "
                f"{say.percent(nation)}.",
            )
        )
    sentences += _long_run(digest, say)
    return " ".join(sentences)


def _long_run(digest: Digest, say: Speaker) -> list[str]:
    year = digest.last_year
    network = digest.point(MEMBERS_TODAY, TERRITORIAL, year)
    rest = digest.point(REST_OF_SWEDEN, TERRITORIAL, year)
    without = digest.point(MEMBERS_WITHOUT_LARGEST, TERRITORIAL, year)
    if network is None or network.change_since_1990_pct is None:
        return []
    sentences = [
        say(
            f"Sedan {BASE_YEAR} har nätverkets utsläpp {_moved(say, network.change_since_1990_pct)}",
            f"Since {BASE_YEAR} the network's emissions have {_moved(say, network.change_since_1990_pct)}",
        )
    ]
    if rest is not None and rest.change_since_1990_pct is not None:
        sentences[-1] += say(
            f", övriga Sveriges {_moved(say, rest.change_since_1990_pct)}",
            f", and those of the rest of Sweden have {_moved(say, rest.change_since_1990_pct)}",
        )
    sentences[-1] += "."
    if without is not None and without.change_since_1990_pct is not None:
        name = _largest_emitter(digest)
        moved = _moved(say, without.change_since_1990_pct)
        sentences.append(
            say(
                f"Utan den största utsläpparen, {name}, har nätverkets utsläpp {moved}.",
                f"Without the largest emitter, {name}, the network's emissions have {moved}.",
            )
        )
    return sentences


def _more_or_less(say: Speaker, change: float) -> str:
    size = say.share(abs(change))
    if change > 0:
        return say(f"{size} mer", f"{size} more")
    return say(f"{size} mindre", f"{size} less")


def _largest_emitter(digest: Digest) -> str:
    """Name of the member municipality with the largest territorial emissions in the latest year."""
    largest = max(digest.municipalities, key=lambda member: member.territorial_tco2e or 0.0, default=None)
    return MISSING if largest is None else largest.region_name


def _moved(say: Speaker, change: float) -> str:
    size = say.share(abs(change))
    if change > 0:
        return say(f"ökat med {size}", f"risen by {size}")
    return say(f"minskat med {size}", f"fallen by {size}")


def _no_network(say: Speaker) -> str:
    return say(
        "ingen bekräftad medlemskommun finns i registret",
        "the register holds no confirmed member municipality",
    )


# ---------------------------------------------------------------- released, and what changed


def _released(digest: Digest, say: Speaker) -> Section | None:
    """What is new in this publication; None where it holds no new release."""
    new = {cause.release_id for cause in digest.causes if isinstance(cause, ReleaseCause)}
    items = []
    for release in digest.releases:
        if release.release_id not in new:
            continue
        source = catalog.source_of(release.dataset)
        gwp = f", {release.gwp_set}" if release.gwp_set else ""
        items.append(
            say(
                f"{_name(release.dataset, release.substance, say)} ur {source.title_sv} "
                f"({source.publisher}), "
                f"utgivarens datum {say.day(release.published_date)}, år {say.years(release.years)}{gwp}.",
                f"{_name(release.dataset, release.substance, say)} from {source.title_en} "
                f"({source.publisher}), "
                f"publisher's date {say.day(release.published_date)}, years {say.years(release.years)}{gwp}.",
            )
        )
    if not items:
        return None
    return Section(say("Vad som har publicerats", "What was released"), (Bullets(tuple(items)),))


def _sources(digest: Digest, say: Speaker) -> Section:
    """The words the publishers' terms ask for, one line per release in use."""
    items = []
    for release in digest.releases:
        if not release.is_current or release.substance not in {GHG, NOT_BY_SUBSTANCE}:
            continue
        source = catalog.source_of(release.dataset)
        retrieved = stockholm_date(release.retrieved_at).isoformat()
        attribution = say(source.attribution_sv, source.attribution_en).format(retrieved=retrieved)
        name = _name(release.dataset, release.substance, say)
        licence = _licence(source.licence, say)
        items.append(
            say(
                f"{name}: {attribution}. Villkor: {licence}. Utgåva {release.release_id}.",
                f"{name}: {attribution}. Terms: {licence}. Release {release.release_id}.",
            )
        )
    return Section(say("Källor", "Sources"), (Bullets(tuple(items)),))


def _name(dataset: str, substance: str, say: Speaker) -> str:
    """A short name of what is measured: the substance, or the dataset where there is none."""
    if substance == NOT_BY_SUBSTANCE:
        entry = catalog.dataset(dataset)
        return say(entry.title_sv, entry.title_en)
    gas = substances()[substance]
    return say(gas.name_sv, gas.name_en)


def _licence(licence: str, say: Speaker) -> str:
    return (
        say("licensen är inte bekräftad", "licence not confirmed") if licence == "not confirmed" else licence
    )


def _changed(digest: Digest, say: Speaker) -> Section:
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
                f"Mål {cause.target_id} ({cause.region_name}): från ”{_standing_word(cause.old, say)}” till "
                f"”{_standing_word(cause.new, say)}”.",
                f"Target {cause.target_id} ({cause.region_name}): from “{_standing_word(cause.old, say)}” to "
                f"“{_standing_word(cause.new, say)}”.",
            )
        ]
    return [_override_sentence(cause, say)]


def _register_sentence(cause: RegisterCause, say: Speaker) -> str:
    known = _REGISTERS.get(cause.register or "", ("registren", "the registers"))
    if cause.first:
        return say(
            f"Nätverkets egna uppgifter: {known[0]} är inlästa för första gången.",
            f"The network's own data: {known[1]} were read for the first time.",
        )
    return say(
        f"Nätverkets egna uppgifter: {known[0]} har ändrats.",
        f"The network's own data: {known[1]} changed.",
    )


def _override_sentence(cause: OverrideCause, say: Speaker) -> str:
    reason = say(f" Skäl: {cause.reason}", f" Reason: {cause.reason}") if cause.reason else ""
    return say(
        f"Utgåvan {cause.release_id} stoppades av en kontroll och godkändes sedan för hand.{reason}",
        f"Release {cause.release_id} was stopped by a check and then approved by hand.{reason}",
    )


def _release_sentences(cause: ReleaseCause, say: Speaker) -> list[str]:
    name = _name(cause.dataset, cause.substance, say)
    if not cause.is_current:
        return [
            say(
                f"{name}: en tidigare utgåva ({cause.published_date}) har lagts till i arkivet. De gällande "
                "siffrorna är oförändrade.",
                f"{name}: an earlier release ({cause.published_date}) was added to the archive. The current "
                "figures are unchanged.",
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
                f"{share} of the municipalities' yearly totals in both releases were revised by more "
                "than 5%. "
                "That is a new calculation or a new scope at the publisher, not changed emissions.",
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


# ---------------------------------------------------------------- the network against the nation


def _comparison(digest: Digest, say: Speaker) -> Section:
    year, before = digest.last_year, digest.previous_year
    rows: list[tuple[str, ...]] = []
    strong: set[int] = set()
    for panel, boundary in VARIANTS:
        point = digest.point(panel, boundary, year)
        if point is None:
            continue
        if boundary == TERRITORIAL and panel in {MEMBERS_TODAY, NATION}:
            strong.add(len(rows))
        counted = panel != NATION and point.region_count > 0
        name = say(*_PANELS[panel]) + (f" ({point.region_count})" if counted else "")
        rows.append(
            (
                name + (say(", utanför handeln*", ", outside trading*") if boundary == PROXY else ""),
                say.level(None if point.emissions_tco2e is None else point.emissions_tco2e / 1e6, 2),
                say.change(point.change_since_1990_pct),
                say.change(digest.change_since_previous_pct(panel, boundary)),
                say.level(point.t_per_capita, 1),
            )
        )
    blocks: list[Block] = [
        Picture(
            alt_text(digest, say.lang),
            say(
                "Punkterna är publicerade värden. Prickad linje: år utan värden däremellan, inget är "
                "uppskattat.",
                "Dots are published values. Dotted line: years without values in between, nothing is "
                "estimated.",
            ),
        )
    ]
    if rows:
        blocks.append(
            Table(
                say(
                    f"Nätverket mot landet {year}: utsläpp, ändring i procent och ton per invånare "
                    "(inom parentes antal kommuner)",
                    f"The network against the nation {year}: emissions, change in percent and tonnes per "
                    "inhabitant (in brackets the number of municipalities)",
                ),
                (
                    say("Vilka", "Who"),
                    say("milj. ton", "million t"),
                    say(f"sedan {BASE_YEAR},{NBSP}%", f"since {BASE_YEAR},{NBSP}%"),
                    say(f"sedan {before},{NBSP}%", f"since {before},{NBSP}%"),
                    say("ton/inv.", "t per inh."),
                ),
                tuple(rows),
                strong=frozenset(strong),
            )
        )
    blocks += [Paragraph(text, tone="note") for text in _comparison_notes(digest, say)]
    return Section(say("Nätverket mot landet", "The network against the nation"), tuple(blocks))


def _comparison_notes(digest: Digest, say: Speaker) -> list[str]:
    notes = [
        say(
            "Dagens medlemmar räknas i alla år, så att nya medlemmar inte ser ut som ändrade utsläpp. "
            "Utsläppen är territoriella: utan utrikes transporter.",
            "Today's members are counted in all years, so that new members do not look like changed "
            "emissions. "
            "Emissions are territorial: without international transport.",
        ),
        say(
            "* Sektorerna utanför EU:s utsläppshandel, ett närmevärde ur sektorerna: transporter utan flyg, "
            "jordbruk, egen uppvärmning, arbetsmaskiner, produktanvändning och avfall. För landet ligger det "
            f"3–5{NBSP}% under det officiella värdet.",
            "* Sectors outside EU emissions trading, a proxy made of: transport without aviation, "
            "agriculture, "
            "own heating, machinery, product use and waste. For the nation it lies 3–5% below the "
            "official figure.",
        ),
    ]
    for panel, boundary in VARIANTS:
        point = digest.point(panel, boundary, digest.last_year)
        if point is not None and point.emissions_tco2e is None:
            reason = _reason(point.status_reason, say)
            notes.append(
                say(
                    f"{_PANELS[panel][0]}: visas inte, {reason}.",
                    f"{_PANELS[panel][1]}: not shown, {reason}.",
                )
            )
    return notes


# ---------------------------------------------------------------- the members


def _members(digest: Digest, say: Speaker) -> Section:
    heading = say("Medlemmarna", "The members")
    if not digest.municipalities and not digest.regions:
        return Section(heading, (Paragraph(f"{_capital(_no_network(say))}."),))
    blocks: list[Block] = []
    if digest.municipalities:
        blocks.append(_members_table(digest, digest.municipalities, say))
    if digest.regions:
        blocks += [
            Paragraph(
                say(
                    "En region visas med hela länets utsläpp. De ingår inte i nätverkets summa, där länets "
                    "medlemskommuner redan räknas.",
                    "A region is shown with the emissions of its whole county. They are not part of the "
                    "network's "
                    "sum, which already counts the county's member municipalities.",
                ),
                tone="note",
            ),
            _members_table(digest, digest.regions, say),
        ]
    everybody = digest.municipalities + digest.regions
    blocks += [Paragraph(text, tone="note") for text in _member_notes(digest, everybody, say)]
    return Section(heading, tuple(blocks))


def _members_table(digest: Digest, members: Sequence[Standing], say: Speaker) -> Table:
    year, before = digest.last_year, digest.previous_year
    first = say("Kommun", "Municipality") if members[0].level == "municipality" else say("Län", "County")
    return Table(
        say(
            f"Territoriella utsläpp {year} i ton, ändring i procent och ton per invånare",
            f"Territorial emissions {year} in tonnes, change in percent and tonnes per inhabitant",
        ),
        (
            first,
            say(f"ton {year}", f"tonnes {year}"),
            say(f"sedan {BASE_YEAR},{NBSP}%", f"since {BASE_YEAR},{NBSP}%"),
            say(f"sedan {before},{NBSP}%", f"since {before},{NBSP}%"),
            say("ton/inv.", "t per inh."),
        ),
        tuple(
            (
                _marked_name(member),
                say.level(member.territorial_tco2e),
                say.change(member.change_since_1990_pct),
                say.change(member.change_since_previous_pct),
                say.level(member.t_per_capita, 1),
            )
            for member in members
        ),
    )


def _marked_name(member: Standing) -> str:
    return member.region_name + (" ¹" if any(flag in _SHOWN_FLAGS for flag in member.flags) else "")


def _member_notes(digest: Digest, members: Iterable[Standing], say: Speaker) -> list[str]:
    everybody = tuple(members)
    notes = [
        say(
            "I bokstavsordning. Att jämföra kommuners nivåer säger mer om vilka verksamheter som finns "
            "där än om "
            "klimatarbetet.",
            "In alphabetical order. Levels say more about what industries a place has than about its "
            "climate work.",
        )
    ]
    if any(flag in _SHOWN_FLAGS for member in everybody for flag in member.flags):
        notes.append(f"¹ {say(*_FLAGS['one_plant'])}.")
    revised = [
        f"{member.region_name} {say.percent(member.revision_of_previous_pct)}"
        for member in everybody
        if member.revision_of_previous_pct is not None
        and abs(member.revision_of_previous_pct) >= NOTABLE_REVISION_PCT
    ]
    if revised:
        before = digest.previous_year
        notes.append(
            say(
                f"Utgivaren har reviderat {before} med minst 5{NBSP}% för: {', '.join(revised)}. "
                f"Ändringen sedan {before} är räknad på det reviderade värdet.",
                f"The publisher revised {before} by 5% or more for: {', '.join(revised)}. "
                f"The change since {before} is reckoned from the revised value.",
            )
        )
    return notes


def _parts(digest: Digest, say: Speaker) -> Section | None:
    """National and own part per municipality; None where no member has them."""
    rows = [
        (
            member.region_name,
            say.change(member.change_since_previous_pct),
            say.change(member.national_part_pct),
            say.change(member.own_part_pct),
        )
        for member in digest.municipalities
        if member.national_part_pct is not None and member.own_part_pct is not None
    ]
    if not rows:
        return None
    before, year = digest.previous_year, digest.last_year
    return Section(
        say("Landets del och kommunens egen", "The national part and the municipality's own"),
        (
            Paragraph(
                say(
                    f"Hur stor del av ändringen {before}–{year} skulle kommunen ha fått om varje sektor hade "
                    "utvecklats som i landet, och hur stor är dess egen? Delarna summerar till "
                    "ändringen. Det är "
                    "bokföring efter kommunens sammansättning, inte bevis för orsak. Där utgivaren har "
                    "skalat en "
                    "sektor lika i hela landet kan ingen egen del mätas ännu.",
                    f"How much of the change {before}–{year} would the municipality have had if every "
                    "sector had "
                    "moved as in the nation, and how much is its own? The parts add up to the change. It is "
                    "accounting at the municipality's mix, not proof of cause. Where the publisher scaled a "
                    "sector alike in the whole nation, no own part can be measured yet.",
                )
            ),
            Table(
                say(
                    f"Ändring {before}–{year} i procent av {before}, delad i två",
                    f"Change {before}–{year} in percent of {before}, split in two",
                ),
                (
                    say("Kommun", "Municipality"),
                    say("ändring", "change"),
                    say("landets del", "national part"),
                    say("egen del", "own part"),
                ),
                tuple(rows),
            ),
        ),
    )


# ---------------------------------------------------------------- targets


def _targets(digest: Digest, say: Speaker) -> Section:
    heading = say("Medlemmarnas egna mål", "The members' own targets")
    blocks: list[Block] = []
    if not digest.own_targets:
        blocks.append(
            Paragraph(say("Ingen medlem har lagt in något mål ännu.", "No member has entered a target yet."))
        )
    else:
        blocks.append(Bullets(tuple(_target_sentence(digest, target, say) for target in digest.own_targets)))
        blocks.append(
            Paragraph(
                say(
                    "Att visa flera sätt att räkna prövar hur mycket svaret hänger på räknesättet. Det "
                    "är ingen "
                    "sannolikhet.",
                    "Several ways of reckoning show how much the answer hangs on the way. It is no "
                    "likelihood.",
                ),
                tone="note",
            )
        )
    if not digest.trend_is_possible:
        blocks.append(Paragraph(_no_trend(digest, say), tone="note"))
    return Section(heading, tuple(blocks))


def _no_trend(digest: Digest, say: Speaker) -> str:
    years = digest.trend_years
    if not years:
        return say(
            f"Läget mot mål kan inte räknas: för lite data, utgåvan har inget år från {TREND_FROM_YEAR}.",
            "Standing against targets: insufficient data, the release has no year from "
            f"{TREND_FROM_YEAR} on.",
        )
    span = years[-1] - years[0]
    return say(
        f"Läget mot mål: för lite data. Utgåvan har {len(years)} år från {TREND_FROM_YEAR} "
        f"({say.years(years)}), "
        f"som spänner över {span}; det krävs minst {MIN_POINTS} år som spänner över minst {MIN_SPAN_YEARS}.",
        f"Standing against targets: insufficient data. The release has {len(years)} years from "
        f"{TREND_FROM_YEAR} "
        f"({say.years(years)}), which span {span}; at least {MIN_POINTS} years that span at least "
        f"{MIN_SPAN_YEARS} are needed.",
    )


def _target_sentence(digest: Digest, target: OwnTarget, say: Speaker) -> str:
    what = say(
        f"{target.region_name}, mål {target.target_year or MISSING} ({target.target_id}; "
        f"{_boundary(target.boundary, say)})",
        f"{target.region_name}, target {target.target_year or MISSING} ({target.target_id}; "
        f"{_boundary(target.boundary, say)})",
    )
    words = [f"{what}: {_standing_word(target.status, say)}"]
    if target.variants_met is not None and target.variants_n:
        words[0] += say(
            f", {target.variants_met} av {target.variants_n} sätt",
            f", {target.variants_met} of {target.variants_n} ways",
        )
    words[0] += "."
    if target.status_reason:
        words.append(f"{_capital(_reason(target.status_reason, say))}.")
    if target.level_tco2e is not None and target.last_tco2e is not None:
        words.append(
            say(
                f"Nivå {say.tonnes(target.level_tco2e)}; {target.last_year} var utsläppen "
                f"{say.tonnes(target.last_tco2e)}.",
                f"Level {say.tonnes(target.level_tco2e)}; emissions in {target.last_year} were "
                f"{say.tonnes(target.last_tco2e)}.",
            )
        )
    if target.required_annual_rate is not None and target.achieved_annual_rate is not None:
        words.append(
            say(
                f"Krävd minskning {say.share(100 * target.required_annual_rate)} om året, nådd "
                f"{say.share(100 * target.achieved_annual_rate)}.",
                f"Required cut {say.share(100 * target.required_annual_rate)} a year, achieved "
                f"{say.share(100 * target.achieved_annual_rate)}.",
            )
        )
    words.append(_basis(digest, target, say))
    return " ".join(words)


def _basis(digest: Digest, target: OwnTarget, say: Speaker) -> str:
    if target.last_year is None:
        return say(f"Utgåva {target.release_id}.", f"Release {target.release_id}.")
    months = (digest.as_of.year - target.last_year - 1) * 12 + digest.as_of.month - 1
    return say(
        f"Utgåva {target.release_id}, data till {target.last_year} ({months} månader gamla).",
        f"Release {target.release_id}, data to {target.last_year} ({months} months old).",
    )


def _standing_word(status: str | None, say: Speaker) -> str:
    if status is None:
        return say("inget läge", "no standing")
    return say(*_STANDINGS.get(status, (status, status)))


def _boundary(code: str, say: Speaker) -> str:
    return say(*_BOUNDARIES.get(code, (code, code)))


# ---------------------------------------------------------------- warnings, reasons, certainty, freshness


def _warnings(digest: Digest, say: Speaker) -> Section:
    heading = say("Varningar från kontrollerna", "Warnings of the checks")
    findings = digest.findings
    if not findings:
        text = say(
            "Inga. Alla kontroller av de gällande utgåvorna är godkända.",
            "None. The current releases passed every check.",
        )
        return Section(heading, (Paragraph(text),))
    return Section(heading, (Bullets(tuple(_warning(finding, say) for finding in findings)),))


def _warning(finding: Finding, say: Speaker) -> str:
    message = say(finding.message_sv, finding.message_en).rstrip(".")
    missing = [area for area in finding.areas if area not in message]
    areas = ""
    if missing:
        more = say("bland andra ", "among others ") if finding.finding_count > len(finding.areas) else ""
        areas = say(f" Gäller {more}{say.all_of(missing)}.", f" Concerns {more}{say.all_of(missing)}.")
    held = (
        say(" (utgåvan godkändes för hand)", " (the release was approved by hand)")
        if finding.severity == "hold"
        else ""
    )
    used = finding.substance in {GHG, NOT_BY_SUBSTANCE}
    beside = "" if used else say(" (används inte i det här brevet)", " (not used in this mail)")
    return f"{_name(finding.dataset, finding.substance, say)}{beside}{held}: {message}.{areas}"


def _missing(digest: Digest, say: Speaker) -> Section | None:
    """Why what is shown as a dash, or not shown, is missing; None where nothing is."""
    items = []
    unpeopled = digest.years_without_population
    if unpeopled:
        items.append(_no_population(digest, unpeopled, say))
    reasons: dict[str, list[str]] = {}
    for member in digest.municipalities + digest.regions:
        if member.t_per_capita is None and member.last_year not in unpeopled:
            reasons.setdefault(_reason(member.per_capita_reason, say), []).append(member.region_name)
    items += [
        say(
            f"Per invånare saknas för {say.all_of(names)}: {reason}.",
            f"Per inhabitant is missing for {say.all_of(names)}: {reason}.",
        )
        for reason, names in reasons.items()
    ]
    absent = [m.region_name for m in digest.municipalities + digest.regions if m.territorial_tco2e is None]
    if absent:
        items.append(
            say(
                f"Ingen utsläppssiffra finns för {say.all_of(absent)} i den gällande utgåvan.",
                f"The current release holds no emission figure for {say.all_of(absent)}.",
            )
        )
    baseless = [
        m.region_name
        for m in digest.municipalities + digest.regions
        if m.territorial_tco2e is not None and m.change_since_1990_pct is None
    ]
    if baseless:
        items.append(
            say(
                f"Ändring sedan {BASE_YEAR} visas inte för {say.all_of(baseless)}: utgångsvärdet saknas "
                "eller är "
                "för litet.",
                f"Change since {BASE_YEAR} is not shown for {say.all_of(baseless)}: the base is missing "
                "or too small.",
            )
        )
    if not items:
        return None
    return Section(
        say("Varför vissa siffror saknas", "Why some figures are missing"), (Bullets(tuple(items)),)
    )


def _no_population(digest: Digest, years: Sequence[int], say: Speaker) -> str:
    if len(years) == len(digest.emissions.years):
        return say(
            "Utsläpp per invånare saknas: ingen folkmängd är publicerad i det här lagret för något av åren.",
            "Emissions per inhabitant are missing: no population is published in this warehouse for any "
            "of the years.",
        )
    held = [year for year in digest.emissions.years if year not in years]
    if max(years) < min(held):
        return say(
            f"Utsläpp per invånare före {min(held)} saknas: ingen folkmängd är publicerad för de åren i "
            "det här lagret.",
            f"Emissions per inhabitant before {min(held)} are missing: no population is published for "
            "those years "
            "in this warehouse.",
        )
    return say(
        f"Utsläpp per invånare saknas för {say.years(years)}: ingen folkmängd är publicerad för de åren "
        "i det här lagret.",
        f"Emissions per inhabitant are missing for {say.years(years)}: no population is published for "
        "those years in "
        "this warehouse.",
    )


def _certainty(digest: Digest, say: Speaker) -> Section:
    year = digest.last_year
    items = [
        say(
            "Siffrorna är beräknade av utgivaren med modeller och fördelade på kommuner. Fördelningen "
            "är olika "
            "säker per sektor, och ju mindre område, desto osäkrare.",
            "The publisher calculates the figures with models and distributes them to municipalities. How "
            "sure that "
            "is differs by sector, and the smaller the area, the less sure.",
        ),
        say(
            f"Varje ny utgåva räknar om hela serien. Även siffran för {year} kan ändras i nästa utgåva, för "
            "enskilda kommuner med tiotals procent. Klimatpuls sparar varje utgåva.",
            f"Every new release recalculates the whole series. The figure of {year} too may change in "
            "the next "
            "one, for single municipalities by tens of percent. Klimatpuls keeps every release.",
        ),
        say(
            "Inte med: markanvändning och skog, utrikes transporter, vad invånarna konsumerar från andra "
            "platser. "
            "Ingen korrigering för väder.",
            "Left out: land use and forest, international transport, what inhabitants consume from "
            "elsewhere. No "
            "correction for weather.",
        ),
    ]
    nation = digest.point(NATION, TERRITORIAL, year)
    network = digest.point(MEMBERS_TODAY, TERRITORIAL, year)
    rest = digest.point(REST_OF_SWEDEN, TERRITORIAL, year)
    values = [point.emissions_tco2e for point in (nation, network, rest) if point is not None]
    if len(values) == 3 and None not in values:
        total, ours, others = (float(value or 0.0) for value in values)
        left = 100.0 * (total - ours - others) / total if total else 0.0
        if left > 0.005:
            items.append(
                say(
                    f"{say.share(left, 2)} av landets utsläpp {year} är inte fördelade på någon kommun.",
                    f"{say.share(left, 2)} of the nation's emissions in {year} are not assigned to any "
                    "municipality.",
                )
            )
    return Section(say("Hur säkra siffrorna är", "How sure the figures are"), (Bullets(tuple(items)),))


def _freshness(digest: Digest, say: Speaker) -> Section:
    return Section(
        say("Datastatus", "Data status"),
        (
            Table(
                say("Hur färska siffrorna är", "How fresh the figures are"),
                (
                    say("Statistik", "Statistics"),
                    say("utgivarens datum", "publisher's date"),
                    say("nästa väntas", "next expected"),
                    say("läge", "status"),
                ),
                tuple(_status_row(status, say) for status in digest.statuses),
                text_columns=frozenset({0, 1, 2, 3}),
            ),
        ),
    )


def _status_row(status: DataStatus, say: Speaker) -> tuple[str, ...]:
    published = status.published_date.isoformat() if status.published_date else MISSING
    expected = MISSING
    if status.next_expected:
        expected = status.next_expected.isoformat()
    elif status.status == "fresh":
        expected = say("avslutad serie", "closed series")
    return (
        _name(status.dataset, status.substance, say),
        published,
        expected,
        say(*_FRESHNESS.get(status.status, (status.status, status.status))),
    )


def _reason(code: str | None, say: Speaker) -> str:
    if code is None:
        return say("skäl saknas", "no reason was given")
    return say(*_REASONS.get(code, (code, code)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
