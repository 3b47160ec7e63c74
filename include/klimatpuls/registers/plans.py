"""Imports Klimatkollen's collection of climate plans; keeps plans, pre-plans and missing plans apart.

The collection is a CSV with one row per municipality: its name as ``X kommun`` or ``X stad``, a link, the
year of adoption and a remark in free words. What it says of a plan's end stands in the remark only:

* a range of years (``2021–2030``) or ``till 2030`` is the stated validity, from 1 January to 31 December;
* ``tills vidare`` or ``gäller fortfarande`` means that no end is stated, whatever years stand beside it;
* the year in a plan's name (``Klimatplan 2030``) is a horizon and no end: nothing is guessed from it.

A draft (on referral, in consultation, proposed) is a pre-plan and never counts as a plan, with or without a
link. Without a link and without a draft the plan is missing. A link that is no web address is left out and
mentioned in the note.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.domain import regions
from klimatpuls.registers.checking import REGISTERS, Draft, draft_folder, recheck
from klimatpuls.registers.importing import Imported, merge
from klimatpuls.registers.reading import (
    Mistake,
    RegisterError,
    UnreadableError,
    read_bytes,
    read_table,
    row_place,
)
from klimatpuls.registers.rules import Record, plan_span
from klimatpuls.registers.values import cell_text
from klimatpuls.registers.words import Words, same, shown, words
from klimatpuls.translations import translate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLUMNS: Final = ("municipality", "plan_url", "adopted_year", "comment")
SOURCE: Final = "Klimatkollens sammanställning av klimatplaner"
ID_PREFIX: Final = "klimatkollen-"
_DRAFT: Final = re.compile(r"\b(remiss|samråd|förslag)", re.IGNORECASE)
# A remark has only single blanks when these read it, so each takes linear time.
_RANGE: Final = re.compile(r"\b((?:19|20)[0-9]{2}) ?[-–—]{1,2} ?((?:19|20)[0-9]{2})\b")
_UNTIL: Final = re.compile(r"\btill (?:och med )?((?:19|20)[0-9]{2})\b", re.IGNORECASE)
_OPEN: Final = re.compile(r"\btills ?vidare|gäller fortfarande", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
MAX_NAME: Final = 80
"""At least twice the length of any municipality's name."""
_ENDINGS: Final = (" kommun", " stad", " (kommun)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCount:
    """What a collection holds.

    Attributes:
        plans: Decided plans whose stated end has not passed, or that state none.
        ended: Decided plans whose stated end has passed: no plans any more.
        pre_plans: Drafts.
        missing: Municipalities without either.
    """

    plans: int
    ended: int
    pre_plans: int
    missing: int

    def __str__(self) -> str:
        """One line for the person who imported."""
        return (
            f"{self.plans} plans, {self.ended} whose stated end has passed, {self.pre_plans} pre-plans, "
            f"{self.missing} missing"
        )


def import_plans(path: Path, folder: Path, today: dt.date) -> tuple[Imported, PlanCount]:
    """Import the collection into ``climate_plans.csv``; a region with its own entry keeps that one.

    Args:
        path: The collection, CSV.
        folder: Folder of the reviewed files.
        today: The present day.

    Returns:
        What was done, and what the collection holds as of that day.

    Raises:
        RegisterError: with every mistake; nothing is written then.
    """
    register = REGISTERS["climate_plans"]
    records = read_collection(path)
    held = draft_folder(folder, today)[register.name].records or ()
    own = {
        record.values.get("owner_region_code")
        for record in held
        if not str(record.values.get("plan_id")).startswith(ID_PREFIX)
    }
    kept = tuple(record for record in records if record.values["owner_region_code"] not in own)
    empty = Draft(file=path.name, records=kept, sound=(), mistakes=())
    (done,) = merge([(register, recheck(register, empty, today))], folder, today)
    return done, count(records, today)


def count(records: Sequence[Record], today: dt.date) -> PlanCount:
    """Counts of the records as of a day; a plan whose stated end has passed is no plan."""
    kinds = [record.values["kind"] for record in records]
    ended = sum(
        record.values["kind"] == "plan" and "valid_to" in record.values and plan_span(record)[1] < today
        for record in records
    )
    return PlanCount(
        plans=kinds.count("plan") - ended,
        ended=ended,
        pre_plans=kinds.count("pre_plan"),
        missing=kinds.count("missing"),
    )


def read_collection(path: Path) -> tuple[Record, ...]:
    """The collection as records of the register ``climate_plans``.

    Args:
        path: The CSV file.

    Returns:
        One record per row, in the order of the file.

    Raises:
        RegisterError: if it has other columns, a name is unknown or comes twice, or a year is none.
    """
    try:
        sheet = read_table(read_bytes(path), path.name)
    except UnreadableError as error:
        raise RegisterError([error.mistake]) from None
    if sheet.header != COLUMNS:
        wanted, found = ", ".join(COLUMNS), ", ".join(sheet.header[:20])
        problem = words("expected the columns {wanted}, found {found}", wanted=wanted, found=found)
        remedy = words("Take the collection as it was published.")
        raise RegisterError([_mistake(path, row_place(1), None, problem, remedy)])
    records, mistakes = [], list(sheet.mistakes)
    seen: dict[str, Words] = {}
    for number, cells in sheet.rows:
        row = {name: cell_text(cells.get(index)) for index, name in enumerate(COLUMNS)}
        place = row_place(number)
        code = municipality_code(row["municipality"])
        if code is None or code in seen:
            mistakes.append(
                _mistake(path, place, "municipality", *_wrong_name(row["municipality"], code, seen))
            )
            continue
        if row["adopted_year"] and not _YEAR.fullmatch(row["adopted_year"]):
            year = shown(row["adopted_year"])
            problem = words("expected a year, found {year}", year=year)
            remedy = words("Write four digits, or nothing.")
            mistakes.append(_mistake(path, place, "adopted_year", problem, remedy))
            continue
        seen[code] = place
        records.append(Record(place=place, values=classify(code, row), file=path.name))
    if mistakes:
        raise RegisterError(mistakes)
    return tuple(records)


def _wrong_name(name: str, code: str | None, seen: Mapping[str, Words]) -> tuple[Words, Words]:
    found, remedy = shown(name), words("Correct the name.")
    if code is None:
        return words("{found} is no municipality", found=found), remedy
    earlier = seen[code]
    return (
        words("{found} stands in {earlier} already", found=found, earlier=earlier),
        remedy,
    )


def municipality_code(name: str) -> str | None:
    """The code of a municipality by its name in the collection; None where nobody is called so.

    Example: ``Falu kommun`` → ``2080``; ``Region Gotland (kommun)`` → ``0980``; ``Håbo kommun`` → ``0305``.
    """
    plain = name.strip()
    if len(plain) > MAX_NAME:
        return None
    for ending in _ENDINGS:
        plain = plain.removesuffix(ending)
    plain = plain.removeprefix("Region ").strip()
    for spelling in (name, plain, plain.removesuffix("s"), f"{plain}n"):
        try:
            code = regions.code_for(spelling)
        except regions.UnknownRegionError:
            continue
        if regions.region(code).level == "municipality":
            return code
    return None


def classify(code: str, row: Mapping[str, str]) -> dict[str, Any]:
    """One row of the collection as a record of the register.

    Args:
        code: The municipality.
        row: ``plan_url``, ``adopted_year`` and ``comment`` as text.

    Example: a link, 2022 and ``Klimatstrategi 2022–2030`` → a plan from 2022-01-01 to 2030-12-31.
    """
    url, remark = row["plan_url"].strip(), " ".join(row["comment"].split())
    is_draft = bool(_DRAFT.search(remark))
    kind = "pre_plan" if is_draft else "plan" if url else "missing"
    values: dict[str, Any] = {
        "plan_id": f"{ID_PREFIX}{code}",
        "owner_region_code": code,
        "kind": kind,
        "source": SOURCE,
    }
    if kind != "missing":
        values |= _dates(row["adopted_year"], remark, is_draft=is_draft)
        if url.startswith(("http://", "https://")):
            values["document_url"] = url.replace(" ", "%20")
        elif url:
            broken = translate("sv", "the link in the collection does not lead to the web: {url}", url=url)
            remark = f"{remark} [{broken}]".strip()
    if remark:
        values["note"] = remark
    return values


def _dates(adopted: str, remark: str, *, is_draft: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if adopted and not is_draft:
        found["decided_year"] = int(adopted)
    if _OPEN.search(remark):
        return found
    if span := _RANGE.search(remark):
        first, last = int(span.group(1)), int(span.group(2))
        if first <= last:
            found |= {"valid_from": f"{first}-01-01", "valid_to": f"{last}-12-31"}
    elif until := _UNTIL.search(remark):
        found["valid_to"] = f"{until.group(1)}-12-31"
    return found


def _mistake(path: Path, place: Words, column: str | None, problem: Words, remedy: Words) -> Mistake:
    named = same(column) if column else None
    return Mistake(file=path.name, place=place, column=named, problem=problem, remedy=remedy)
