"""Checks that a schema cannot express: between the columns of a row, the rows of a file, and the files.

Each rule yields what it found, with its record. It gets only records that fit their schema, so that each
mistake is reported once. ``checking.REGISTERS`` names the rule of each register.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from klimatpuls.contract import catalog, schema
from klimatpuls.domain import regions, sectors, substances
from klimatpuls.registers.words import NOTHING, Words, shown, words
from klimatpuls.statistics.official import EFFORT_SHARING
from klimatpuls.statistics.series import BOUNDARY_CODES
from klimatpuls.statistics.targets import (
    NATIONAL_EFFORT_SHARING_BASE_YEAR,
    NATIONAL_EFFORT_SHARING_DEDUCTION_TCO2E,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

OWN_SERIES: Final = "own_series:"
SECTOR_LIST: Final = "sector_list:"
OWN_SERIES_UNIT: Final = "tCO2e"
"""Unit that a series must have to be a boundary; others are context."""
PLAN_YEARS: Final = 10
"""Years a plan without a stated end applies: the rule of the third criterion."""
LARGEST_RULE: Final = 1200
"""Largest number of months, days or years; a formula that goes back further leaves the calendar."""
OBSERVER_DAYS: Final = 366
"""An observer is one for at most a year (the network's bylaws, section 4)."""
MAX_DECISIONS: Final = 100
"""Decisions that may follow upon each other; a circle is found within so many."""
CRITERIA_RULES: Final = (
    "plan_years",
    "measure_months",
    "due_months",
    "own_inventory_years",
    "inventory_months",
    "stale_after_months",
    "reply_days",
    "unknown_months",
)
"""Numbers that the formulas of criteria and measures need."""
NETWORK_MEMBERS: Final = "network_members"
"""How many members the network says it has: a number that may be missing, for it is not always known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row of a register.

    Attributes:
        place: Where it stands, such as ``row 7``.
        values: Column → value as JSON knows it; an empty cell is missing.
        file: The file it came from, where it is not the register's own.
        cells: Column → its cell as the spreadsheet names it, such as ``C7``; empty for a YAML file.
    """

    place: Words
    values: Mapping[str, Any]
    file: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)

    def day(self, column: str) -> dt.date | None:
        """A day of the record, or None."""
        text = self.values.get(column)
        return dt.date.fromisoformat(text) if text is not None else None


class Found(NamedTuple):
    """A broken rule: the record, the column (None: no single one), what is wrong, what to do."""

    record: Record
    column: str | None
    problem: Words
    remedy: Words


@dataclass(frozen=True, slots=True)
class Book:
    """Every register of a folder that could be read, by name."""

    records: Mapping[str, Sequence[Record]]

    def ids(self, register: str, column: str) -> Mapping[str, Record] | None:
        """Id → its first record; None where the register could not be read."""
        if register not in self.records:
            return None
        found: dict[str, Record] = {}
        for record in self.records[register]:
            if column in record.values:
                found.setdefault(str(record.values[column]), record)
        return found


_ONE_DAY: Final = words("Correct one of the two days.")
_ONE_YEAR: Final = words("Correct one of the two years.")


def _in_order(records: Iterable[Record], first: str, last: str) -> Iterator[Found]:
    for record in records:
        start, end = record.day(first), record.day(last)
        if start and end and end < start:
            problem = words(
                "{last} {end} is before {first} {start}", last=last, end=end, first=first, start=start
            )
            yield Found(record, last, problem, _ONE_DAY)


def _overlaps(
    records: Iterable[Record],
    key: Callable[[Record], object],
    span: Callable[[Record], tuple[dt.date, dt.date]],
    what: Words,
    column: str,
) -> Iterator[Found]:
    """One finding for each record that overlaps the earlier one of its key that lasts longest."""
    groups: dict[object, list[Record]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    for group in groups.values():
        first, *others = sorted(group, key=span)
        for other in others:
            if span(other)[0] <= span(first)[1]:
                problem = words("{what} at the same time as {place}", what=what, place=first.place)
                remedy = words(
                    "Let the earlier one end the day before the later one begins, or take one out."
                )
                yield Found(other, column, problem, remedy)
            first = max(first, other, key=lambda record: span(record)[1])


def _validity(record: Record) -> tuple[dt.date, dt.date]:
    return record.day("valid_from") or dt.date.min, record.day("valid_to") or dt.date.max


def _boundary(records: Iterable[Record], book: Book, owner: str) -> Iterator[Found]:
    series, lists = book.ids("own_series", "series_id"), book.ids("sector_lists", "list_id")
    for record in records:
        name = record.values["boundary"]
        if name in BOUNDARY_CODES:
            continue
        kind, _, own = name.partition(":")
        known = {"own_series": series, "sector_list": lists}.get(kind, {})
        if known is None:
            continue
        if own not in known:
            wanted = ", ".join([*BOUNDARY_CODES, f"{OWN_SERIES}<series_id>", f"{SECTOR_LIST}<list_id>"])
            found = shown(name)
            problem = words("no boundary is called {found}", found=found)
            yield Found(record, "boundary", problem, words("Write one of {wanted}.", wanted=wanted))
        elif kind == "own_series" and _is_anothers(known[own], record.values.get(owner)):
            owned_by = known[own].values.get("owner_region_code")
            problem = words("the series {own} belongs to {owned_by}", own=own, owned_by=owned_by)
            yield Found(record, "boundary", problem, words("Name a series of the same owner."))
        elif kind == "own_series" and known[own].values.get("unit") != OWN_SERIES_UNIT:
            unit = shown(known[own].values.get("unit"))
            problem = words(
                "the series {own} is in {unit}, not in {own_series_unit}",
                own=own,
                unit=unit,
                own_series_unit=OWN_SERIES_UNIT,
            )
            remedy = words("Name a series of emissions, or convert it first.")
            yield Found(record, "boundary", problem, remedy)


def _is_anothers(record: Record, owner: str | None) -> bool:
    """Whether a record belongs to another owner; a wrong code is reported elsewhere."""
    found = record.values.get("owner_region_code")
    return found in regions.regions() and found != owner


def members(records: Sequence[Record], _: Book) -> Iterator[Found]:
    """Names belong to codes, nobody leaves before joining, a member is of one sort."""
    yield from _in_order(records, "joined_on", "left_on")
    for record in records:
        name = regions.region(record.values["region_code"]).name
        if name != record.values["region_name"]:
            code, found = record.values["region_code"], shown(record.values["region_name"])
            problem = words("{code} is {name}, found {found}", code=code, name=name, found=found)
            yield Found(record, "region_name", problem, words("Correct the code or the name."))
        sorts = [sort for sort in ("confirmed", "is_applicant", "is_observer") if record.values[sort]]
        if len(sorts) > 1:
            problem = words("{one} and {other} are true together", one=sorts[0], other=sorts[-1])
            yield Found(record, sorts[-1], problem, words("One row is of one sort: leave one of them true."))
        joined, left = record.day("joined_on"), record.day("left_on")
        if record.values["is_observer"] and joined and left and (left - joined).days > OBSERVER_DAYS:
            problem = words(
                "an observer from {joined} to {left} is one for more than a year", joined=joined, left=left
            )
            yield Found(record, "left_on", problem, words("Correct the days, or make it a member."))


_EMPTY: Final = words("it is empty")
_OWN_DECISION: Final = words("An own target needs its owner and its decision.")


def own_targets(records: Sequence[Record], book: Book) -> Iterator[Found]:
    """An own target has an owner and its decision, and no other is in force in its place."""
    lines = book.ids("national_lines", "target_id") or {}
    for record in records:
        for column in ("region_code", "decided_on", "decided_by", "document_url"):
            if column not in record.values:
                yield Found(record, column, _EMPTY, _OWN_DECISION)
        if record.values["target_id"] in lines:
            used = record.values["target_id"]
            problem = words("national_lines.yaml uses the id {used} already", used=used)
            yield Found(record, "target_id", problem, words("Give the target an id of its own."))
    yield from _targets(records, book, "targets")


def national_lines(records: Sequence[Record], book: Book) -> Iterator[Found]:
    """A line has no owner, and a decided one has its decision."""
    for record in records:
        if "region_code" in record.values:
            found = shown(record.values["region_code"])
            problem = words("a national line belongs to no region, found {found}", found=found)
            remedy = words("Take the setting out, or move it to targets.yaml.")
            yield Found(record, "region_code", problem, remedy)
        missing = [name for name in ("decided_on", "decided_by", "document_url") if name not in record.values]
        if record.values.get("state", "decided") == "decided" and missing:
            names = ", ".join(missing)
            problem = words("a decided line lacks {names}", names=names)
            yield Found(record, missing[0], problem, words("Name the decision, or set state: proposed."))
    yield from _targets(records, book, "national_lines")


def _targets(records: Sequence[Record], book: Book, register: str) -> Iterator[Found]:
    yield from _boundary(records, book, "region_code")
    yield from _in_order(records, "valid_from", "valid_to")
    for record in records:
        yield from _target_years(record)
    yield from _supersession(records, book.ids(register, "target_id") or {})
    standing = [r for r in records if "superseded_by" not in r.values and r.values.get("state") != "proposed"]
    sort = ("region_code", "boundary", "target_type", "target_year", "base_year")
    amounts = ("percent_below_base", "level_tco2e", "level_tco2e_per_capita", "annual_rate", "budget_tco2e")

    def key(record: Record) -> object:
        # Two national lines of one year (with and without supplementary measures) differ by their percentage.
        names = sort if "region_code" in record.values else (*sort, *amounts)
        return tuple(record.values.get(name) for name in names)

    yield from _overlaps(
        standing,
        key,
        _validity,
        words("a target of the same sort and year is in force"),
        "valid_to",
    )


def _target_years(record: Record) -> Iterator[Found]:
    values = record.values
    is_budget = values["target_type"] == "carbon_budget"
    start_column = "budget_start_year" if is_budget else "base_year"
    start, end = values.get(start_column), values.get("target_year")
    if start is not None and end is not None and end <= start:
        problem = words(
            "target year {end} is not after {start_column} {start}",
            end=end,
            start_column=start_column,
            start=start,
        )
        yield Found(record, "target_year", problem, _ONE_YEAR)
    if values["target_type"] == "net_zero" and values["boundary"] != "territorial":
        found = shown(values["boundary"])
        problem = words("net zero is evaluated on the boundary territorial, found {found}", found=found)
        yield Found(record, "boundary", problem, words("State it as another type, or change the boundary."))
    steps = values.get("interim", [])
    for step in steps:
        if ("percent_below_base" in step) == ("level_tco2e" in step):
            problem = words(
                "interim step {year} has both or none of percent_below_base and level_tco2e",
                year=step["year"],
            )
            yield Found(record, "interim", problem, words("Give each step one of the two."))
        elif end is not None and (start or 0) < end and not (start or 0) < step["year"] < end:
            problem = words(
                "interim step {year} is not between {start} and {end}",
                year=step["year"],
                start=start or words("its start"),
                end=end,
            )
            yield Found(record, "interim", problem, words("Correct the year of the step."))
    for year, count in Counter(step["year"] for step in steps).items():
        if count > 1:
            problem = words("{year} has more than one step", year=year)
            yield Found(record, "interim", problem, words("Keep one step for each year."))


def _supersession(records: Sequence[Record], by_id: Mapping[str, Record]) -> Iterator[Found]:
    for record in records:
        successor = record.values.get("superseded_by")
        if successor is None:
            continue
        if successor not in by_id:
            found = shown(successor)
            problem = words("no target of this file is called {found}", found=found)
            yield Found(record, "superseded_by", problem, words("Write the id of the target that took over."))
            continue
        if by_id[successor].values.get("region_code") != record.values.get("region_code"):
            problem = words("{successor} belongs to another owner", successor=successor)
            remedy = words("A target is superseded by one of the same owner.")
            yield Found(record, "superseded_by", problem, remedy)
        chain = [record.values["target_id"]]
        while successor in by_id and successor not in chain and len(chain) < MAX_DECISIONS:
            chain.append(successor)
            successor = by_id[str(successor)].values.get("superseded_by")
        if successor == chain[0]:
            circle = " → ".join([*chain, successor])
            problem = words("it supersedes itself ({circle})", circle=circle)
            remedy = words("The newest decision is superseded by none: leave it empty.")
            yield Found(record, "superseded_by", problem, remedy)


def rules(records: Sequence[Record], book: Book) -> Iterator[Found]:
    """Numbers of decisions are those that the formulas use, and the proposed line exists."""
    lines = book.ids("national_lines", "target_id")
    for record in records:
        proposed = record.values["proposed_line"]["target_id"]
        if lines is not None and proposed not in lines:
            problem = words("national_lines.yaml has no line {found}", found=shown(proposed))
            yield Found(record, "proposed_line", problem, words("Write the id of a line of that file."))
        shared = record.values["national_effort_sharing"]
        found = (shared["base_year"], shared["deduction_tco2e"])
        used = (NATIONAL_EFFORT_SHARING_BASE_YEAR, NATIONAL_EFFORT_SHARING_DEDUCTION_TCO2E)
        if found != used:
            problem = words(
                "base year and deduction are {found}, while the formulas use {used}", found=found, used=used
            )
            remedy = words("Change the formulas first (method version).")
            yield Found(record, "national_effort_sharing", problem, remedy)


def known_defects(records: Sequence[Record], _: Book) -> Iterator[Found]:
    """An entry names a dataset and substance of ours and has a guard by which it ends."""
    datasets = {name for fact in schema.facts() for name in catalog.datasets_of(fact.name)}
    yield from _in_order(records, "entered_on", "review_by")
    for record in records:
        for column, known in (("dataset", datasets), ("substance", set(substances.substances()))):
            if record.values[column] not in known:
                found, some = shown(record.values[column]), ", ".join(sorted(known))
                problem = (
                    words("no dataset is called {found}", found=found)
                    if column == "dataset"
                    else words("no substance is called {found}", found=found)
                )
                yield Found(record, column, problem, words("Write one of {some}.", some=some))
        if "at_most" not in record.values and "at_least" not in record.values:
            problem = words("neither at_most nor at_least is given")
            remedy = words("Give the value by which the entry ends by itself.")
            yield Found(record, "at_most", problem, remedy)


def measures(records: Sequence[Record], book: Book) -> Iterator[Found]:
    """A measure ends after it starts and is about a boundary that exists."""
    yield from _in_order(records, "start_date", "end_date")
    yield from _boundary(records, book, "owner_region_code")


def pledges(records: Sequence[Record], book: Book) -> Iterator[Found]:
    """A pledge is kept by measures of its owner."""
    yield from _in_order(records, "pledged_on", "due_on")
    known = book.ids("measures", "measure_id")
    if known is None:
        return
    for record in records:
        for measure_id in record.values.get("measure_ids", []):
            if measure_id not in known:
                found = shown(measure_id)
                problem = words("measures.csv has no measure {found}", found=found)
                remedy = words("Enter the measure there first, or correct the id.")
                yield Found(record, "measure_ids", problem, remedy)
            elif _is_anothers(known[measure_id], record.values["owner_region_code"]):
                problem = words("the measure {measure_id} belongs to another owner", measure_id=measure_id)
                remedy = words("Name measures of the owner of the pledge.")
                yield Found(record, "measure_ids", problem, remedy)


def climate_plans(records: Sequence[Record], _: Book) -> Iterator[Found]:
    """A plan, a pre-plan and a missing plan are three things; an owner has one plan at a time."""
    yield from _in_order(records, "valid_from", "valid_to")
    yield from _in_order(records, "valid_to", "prolonged_to")
    for record in records:
        decided, year = record.day("decided_on"), record.values.get("decided_year")
        if decided and year and decided.year != year:
            problem = words(
                "decided_year {year} is not the year of decided_on {decided}", year=year, decided=decided
            )
            yield Found(record, "decided_year", problem, words("Correct one, or leave the year empty."))
        if record.values["kind"] == "missing":
            dated = [
                name
                for name in ("decided_on", "decided_year", "valid_from", "document_url")
                if name in record.values
            ]
            if dated:
                names = ", ".join(dated)
                problem = words("a missing plan has {names}", names=names)
                yield Found(record, dated[0], problem, words("Leave it empty, or say plan or pre_plan."))
    plans = [record for record in records if record.values["kind"] == "plan"]
    yield from _overlaps(
        plans,
        lambda r: r.values["owner_region_code"],
        plan_span,
        words("another plan of the same owner applies"),
        "valid_to",
    )


def plan_span(record: Record) -> tuple[dt.date, dt.date]:
    """First and last day a plan applies: its stated days, a decided prolongation, else ten years on."""
    decided = record.day("decided_on")
    year = record.values.get("decided_year")
    first = record.day("valid_from") or decided or (dt.date(year, 1, 1) if year else dt.date.min)
    stated = max(filter(None, (record.day("valid_to"), record.day("prolonged_to"))), default=None)
    if stated is not None:
        return first, stated
    if first == dt.date.min:
        return first, dt.date.max
    return first, dt.date(first.year + PLAN_YEARS, 12, 31)


def nothing_more(_: Sequence[Record], __: Book) -> Iterator[Found]:
    """The rule of a register whose schema says everything."""
    return iter(())


def enquiries(records: Sequence[Record], _: Book) -> Iterator[Found]:
    """The reply and the notice of a shortcoming come after the enquiry."""
    yield from _in_order(records, "asked_on", "told_on")
    yield from _in_order(records, "asked_on", "replied_on")


_OTHER_ROUND: Final = words("another round is open")


def reporting_rounds(records: Sequence[Record], _: Book) -> Iterator[Found]:
    """One round at a time."""
    yield from _in_order(records, "opens_on", "closes_on")

    def span(record: Record) -> tuple[dt.date, dt.date]:
        return record.day("opens_on") or dt.date.min, record.day("closes_on") or dt.date.max

    yield from _overlaps(records, lambda _: None, span, _OTHER_ROUND, "opens_on")


def answers(records: Sequence[Record], book: Book) -> Iterator[Found]:
    """An answer belongs to a round that had opened; a report outside any round names none."""
    known = book.ids("reporting_rounds", "round_id")
    if known is None:
        return
    for record in records:
        if "round_id" not in record.values:
            continue
        opened = known.get(record.values["round_id"])
        answered = record.day("answered_on")
        if opened is None:
            found = shown(record.values["round_id"])
            problem = words("reporting_rounds.csv has no round {found}", found=found)
            yield Found(record, "round_id", problem, words("Enter the round there first, or correct the id."))
        elif answered and str(opened.values.get("opens_on", "")) > answered.isoformat():
            first = opened.values["opens_on"]
            problem = words(
                "answered on {answered}, before the round opened on {first}", answered=answered, first=first
            )
            yield Found(record, "answered_on", problem, words("Correct the day or the round."))


def own_series(records: Sequence[Record], _: Book) -> Iterator[Found]:
    """Every row of a series says the same of it."""
    first: dict[str, Record] = {}
    for record in records:
        head = first.setdefault(record.values["series_id"], record)
        for column in ("owner_region_code", "title_sv", "title_en", "unit"):
            if record.values[column] != head.values[column]:
                earlier, found = shown(head.values[column]), shown(record.values[column])
                problem = words(
                    "the series has {earlier} in {place}, found {found}",
                    earlier=earlier,
                    place=head.place,
                    found=found,
                )
                remedy = words("Write the same in every row, or give the series another id.")
                yield Found(record, column, problem, remedy)


def sector_lists(records: Sequence[Record], _: Book) -> Iterator[Found]:
    """A list names main sectors only: not every release has the parts of a sector."""
    for record in records:
        yield from _main_sectors(record, "sector_codes", record.values["sector_codes"])


def _main_sectors(record: Record, column: str, codes: Iterable[str]) -> Iterator[Found]:
    mains = [code for code, sector in sectors.sectors().items() if sector.is_main]
    for code in sorted(set(codes) - set(mains)):
        problem = words("{code} is no main sector, and not every release has others", code=code)
        yield Found(record, column, problem, words("Write some of {some}.", some=", ".join(mains)))


def ets_plants(records: Sequence[Record], _: Book) -> Iterator[Found]:
    """A plant is in one municipality and one main sector at a time."""
    yield from _in_order(records, "valid_from", "valid_to")
    yield from _overlaps(
        records,
        lambda r: r.values["installation_id"],
        _validity,
        words("the plant is assigned already"),
        "valid_from",
    )
    for record in records:
        yield from _main_sectors(record, "sector_code", [record.values["sector_code"]])


def criteria_rules(records: Sequence[Record], _: Book) -> Iterator[Found]:
    """Every number that a formula needs is there, one at a time."""
    all_known = (*CRITERIA_RULES, NETWORK_MEMBERS)
    yield from _in_order(records, "valid_from", "valid_to")
    yield from _overlaps(
        records,
        lambda r: r.values["rule_id"],
        _validity,
        words("the same rule is in force"),
        "valid_from",
    )
    for record in records:
        value = record.values["value"]
        if value > LARGEST_RULE or value != int(value):
            problem = words(
                "expected a whole number of at most {largest_rule}, found {value:g}",
                largest_rule=LARGEST_RULE,
                value=value,
            )
            yield Found(record, "value", problem, words("Write the number in the unit of the row."))
        if record.values["rule_id"] not in all_known:
            found, known = shown(record.values["rule_id"]), ", ".join(all_known)
            problem = words("no formula asks for the rule {found}", found=found)
            yield Found(record, "rule_id", problem, words("Known are {known}.", known=known))
    missing = sorted(set(CRITERIA_RULES) - {record.values["rule_id"] for record in records})
    if missing:
        whole, names = Record(place=NOTHING, values={}), ", ".join(missing)
        problem = words("the file lacks the rules {names}", names=names)
        yield Found(whole, "rule_id", problem, words("Put them back."))


def municipality_groups(records: Sequence[Record], _: Book) -> Iterator[Found]:
    """A municipality is in one group at a time."""
    yield from _in_order(records, "valid_from", "valid_to")
    yield from _overlaps(
        records,
        lambda r: r.values["region_code"],
        _validity,
        words("the municipality is in another group"),
        "valid_from",
    )


def official_figures(records: Sequence[Record], _: Book) -> Iterator[Found]:
    """A final figure is of a year of its submission, a preliminary one of the year after, by sector."""
    for record in records:
        last, year = record.values["submission_last_year"], record.values["year"]
        if year > last + 1:
            problem = words(
                "{year} is more than one year after the inventory's last, {last}", year=year, last=last
            )
            yield Found(record, "year", problem, words("Correct the year or the inventory's last year."))
        elif (record.values["sector_code"] == EFFORT_SHARING) != (year <= last):
            problem = words(
                "a final figure is of {effort_sharing}, a preliminary one of a sector; {year} with the "
                "inventory's last year {last} is {found}",
                effort_sharing=EFFORT_SHARING,
                year=year,
                last=last,
                found=shown(record.values["sector_code"]),
            )
            yield Found(record, "sector_code", problem, words("Correct the sector or the years."))


def contacts(records: Sequence[Record], book: Book) -> Iterator[Found]:
    """Contacts belong to somebody of the register of members."""
    known = book.ids("members", "region_code")
    for record in records:
        if known is not None and record.values["region_code"] not in known:
            code = record.values["region_code"]
            remedy = words("Enter the member there first, or take the contact out.")
            yield Found(record, "region_code", words("members.csv has no {code}", code=code), remedy)


def repeated(records: Sequence[Record], key: tuple[str, ...]) -> Iterator[Found]:
    """Rows whose key stands in an earlier row already."""
    seen: dict[tuple[Any, ...], Record] = {}
    for record in records:
        if any(column not in record.values for column in key):
            continue
        value = tuple(str(record.values[column]) for column in key)
        earlier = seen.setdefault(value, record)
        if earlier is not record:
            problem = words("{key} stands in {place} already", key=", ".join(value), place=earlier.place)
            remedy = words("Keep one of the rows, or give one another id.")
            yield Found(record, key[-1] if len(key) == 1 else None, problem, remedy)
