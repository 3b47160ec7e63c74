"""The registers of targets: the members' own, the national lines, and the numbers of the rules.

``targets.yaml`` holds targets with an owner, ``national_lines.yaml`` comparison lines without one, both in
the shape of :class:`klimatpuls.targets.Target`; ``rules.yaml`` holds numbers of decisions;
``known_defects.csv`` cells of the sources that are known to be wrong.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import pandas as pd

from klimatpuls import catalog, regions, schema, sectors, substances
from klimatpuls.defects import Defect
from klimatpuls.registers.reading import REGISTERS_FOLDER, RegisterError, read_date, read_mapping, read_rows
from klimatpuls.series import BOUNDARIES
from klimatpuls.targets import Interim, Target, TargetState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OWN_FILE: Final = "targets.yaml"
NATIONAL_FILE: Final = "national_lines.yaml"
RULES_FILE: Final = "rules.yaml"
DEFECTS_FILE: Final = "known_defects.csv"
DEFECT_COLUMNS: Final = (
    "defect_id",
    "dataset",
    "substance",
    "published_date",
    "region_code",
    "sector_code",
    "years",
    "at_most",
    "at_least",
    "reason_sv",
    "reason_en",
    "source",
    "entered_on",
    "review_by",
)
REGISTER_COLUMNS: Final = (
    "target_id",
    "owner_region_code",
    "is_national_line",
    "definition",
    "name_sv",
    "name_en",
    "decided_on",
    "decision_body",
    "document_url",
    "valid_from",
    "valid_to",
    "superseded_by",
)
_SETTINGS: Final = frozenset(field.name for field in dataclasses.fields(Target))
_DATES: Final = ("decided_on", "valid_from", "valid_to")
_YEARS: Final = ("target_year", "base_year", "budget_start_year", "path_start_year")
_NUMBERS: Final = (
    "base_tco2e",
    "percent_below_base",
    "level_tco2e",
    "level_tco2e_per_capita",
    "residual_percent",
    "annual_rate",
    "budget_tco2e",
    "path_start_tco2e",
)
_TEXTS: Final = ("target_id", "boundary", "title_sv", "title_en", "decided_by", "document_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Numbers that belong to decisions rather than to formulas (methods section 5).

    Attributes:
        effort_sharing_base_year: Base year of the national effort-sharing targets.
        effort_sharing_deduction_tco2e: What the national total of that year is reduced by, tonnes CO2e.
        proposed_line_id: The proposed national line.
        proposed_nation_only_above_points: It is shown for the nation only while the proxy misses the
            official base value by more than this, percentage points.
    """

    effort_sharing_base_year: int
    effort_sharing_deduction_tco2e: float
    proposed_line_id: str
    proposed_nation_only_above_points: float


def read_own_targets(folder: Path = REGISTERS_FOLDER) -> tuple[Target, ...]:
    """The targets members have decided themselves, by id.

    Raises:
        RegisterError: if a target is malformed, has no owner, lacks its decision (day, body, document) or
            its owner is no municipality or county.
    """
    targets = _read_targets(folder / OWN_FILE)
    for target in targets:
        where = f"target {target.target_id}"
        if target.region_code is None:
            raise RegisterError(OWN_FILE, f"{where}, region_code", "the owner's code, quoted", None)
        known = regions.regions().get(target.region_code)
        if known is None or known.level == "nation":
            expected = "the code of a municipality or county"
            raise RegisterError(OWN_FILE, f"{where}, region_code", expected, target.region_code)
        for name in ("decided_on", "decided_by", "document_url"):
            if not getattr(target, name):
                raise RegisterError(OWN_FILE, f"{where}, {name}", "the decision behind the target", "")
    return targets


def read_national_lines(folder: Path = REGISTERS_FOLDER) -> tuple[Target, ...]:
    """The national targets as comparison lines, by id; proposed ones have state ``proposed``.

    Raises:
        RegisterError: if a line is malformed, has an owner, or is decided without day, body and document.
    """
    lines = _read_targets(folder / NATIONAL_FILE)
    for line in lines:
        where = f"target {line.target_id}"
        if line.region_code is not None:
            expected = "no owner: a national line belongs to no region"
            raise RegisterError(NATIONAL_FILE, f"{where}, region_code", expected, line.region_code)
        if line.state is TargetState.DECIDED and not (
            line.decided_on and line.decided_by and line.document_url
        ):
            expected = "decided_on, decided_by and document_url of a decided line"
            raise RegisterError(NATIONAL_FILE, where, expected, "one of them missing")
    return lines


def _read_targets(path: Path) -> tuple[Target, ...]:
    entries = read_mapping(path).get("targets")
    if not isinstance(entries, list):
        raise RegisterError(path.name, "targets", "a list, [] while there are none", entries)
    found = [_read_target(path.name, place, entry) for place, entry in enumerate(entries, start=1)]
    ids = [target.target_id for target in found]
    if len(ids) != len(set(ids)):
        twice = sorted({name for name in ids if ids.count(name) > 1})
        raise RegisterError(path.name, "target_id", "every id once", twice)
    for target in found:
        if target.superseded_by is not None and target.superseded_by not in ids:
            where = f"target {target.target_id}, superseded_by"
            raise RegisterError(path.name, where, "the id of a target of this file", target.superseded_by)
    return tuple(sorted(found, key=lambda target: target.target_id))


def _read_target(file: str, place: int, entry: object) -> Target:
    if not isinstance(entry, dict) or "target_id" not in entry:
        raise RegisterError(file, f"entry {place}", "a mapping with target_id", entry)
    settings = cast("dict[str, Any]", dict(entry))
    where = f"target {settings['target_id']}"
    if unknown := set(settings) - _SETTINGS:
        raise RegisterError(file, where, f"settings among {', '.join(sorted(_SETTINGS))}", sorted(unknown))
    _check_types(file, where, settings)
    steps = settings.pop("interim", ())
    try:
        interim = tuple(sorted((Interim(**step) for step in steps), key=lambda step: step.year))
        return Target(**settings, interim=interim)
    except (ValueError, TypeError) as error:
        raise RegisterError(file, where, "a target as README.md describes it", str(error)) from error


def _check_types(file: str, where: str, settings: Mapping[str, Any]) -> None:
    kinds: tuple[tuple[tuple[str, ...], tuple[type, ...], str], ...] = (
        (_DATES, (dt.date,), "a date such as 2017-06-15"),
        (_YEARS, (int,), "a year"),
        (_NUMBERS, (int, float), "a number"),
        (("path_start_confirmed",), (bool,), "true or false"),
        (_TEXTS, (str,), "text"),
        (("region_code",), (str,), "a code as quoted text, leading zero kept"),
    )
    for names, types, expected in kinds:
        for name in names:
            value = settings.get(name)
            # type() and not isinstance(): true is no year, and a moment is no date.
            if value is not None and type(value) not in types:
                raise RegisterError(file, f"{where}, {name}", expected, value)
    if settings.get("boundary", "territorial") not in BOUNDARIES:
        raise RegisterError(file, f"{where}, boundary", " or ".join(BOUNDARIES), settings["boundary"])
    for name in ("title_sv", "title_en"):
        if not settings.get(name):
            raise RegisterError(file, f"{where}, {name}", "a title shown to readers", settings.get(name))


def read_rules(folder: Path = REGISTERS_FOLDER) -> Rules:
    """The numbers of ``rules.yaml``.

    Raises:
        RegisterError: if one is missing or is no number.
    """
    document = read_mapping(folder / RULES_FILE)

    def setting(section: str, name: str, types: tuple[type, ...]) -> Any:
        value = (document.get(section) or {}).get(name)
        if type(value) not in types:
            expected = " or ".join(kind.__name__ for kind in types)
            raise RegisterError(RULES_FILE, f"{section}.{name}", expected, value)
        return value

    return Rules(
        effort_sharing_base_year=setting("national_effort_sharing", "base_year", (int,)),
        effort_sharing_deduction_tco2e=float(
            setting("national_effort_sharing", "deduction_tco2e", (int, float))
        ),
        proposed_line_id=setting("proposed_line", "target_id", (str,)),
        proposed_nation_only_above_points=float(
            setting("proposed_line", "nation_only_above_points", (int, float))
        ),
    )


def read_known_defects(folder: Path = REGISTERS_FOLDER) -> tuple[Defect, ...]:
    """Cells of the sources that are known to be wrong: they keep their value and carry no trend.

    Returns:
        The entries, ordered by their name.

    Raises:
        RegisterError: if a code, a year, a date or a number is none, a reason or the source is missing, an
            entry has no guard, or a name occurs twice.
    """
    entries: dict[str, Defect] = {}
    for line, row in read_rows(folder / DEFECTS_FILE, DEFECT_COLUMNS):
        entry = _read_defect(f"line {line}", row)
        if entry.defect_id in entries:
            raise RegisterError(DEFECTS_FILE, f"line {line}", "every defect_id once", entry.defect_id)
        entries[entry.defect_id] = entry
    return tuple(entries[name] for name in sorted(entries))


def _read_defect(where: str, row: Mapping[str, str]) -> Defect:
    years = row["years"].split("|")
    known = {
        "dataset": any(row["dataset"] in catalog.datasets_of(fact.name) for fact in schema.facts()),
        "region_code": row["region_code"] in regions.regions(),
        "sector_code": row["sector_code"] in sectors.sectors(),
        "substance": row["substance"] in substances.substances(),
        "years": all(year.isascii() and year.isdigit() and len(year) == 4 for year in years),
    }
    for name in DEFECT_COLUMNS:
        if name not in ("at_most", "at_least") and (not row[name] or not known.get(name, True)):
            raise RegisterError(DEFECTS_FILE, f"{where}, column {name}", f"a known {name}", row[name])
    guards = {name: _read_guard(f"{where}, column {name}", row[name]) for name in ("at_most", "at_least")}
    if guards["at_most"] is None and guards["at_least"] is None:
        raise RegisterError(DEFECTS_FILE, where, "a value in at_most or at_least, by which it ends", "none")
    dates = {
        name: read_date(DEFECTS_FILE, f"{where}, column {name}", row[name])
        for name in ("published_date", "entered_on", "review_by")
    }
    texts = (
        "defect_id",
        "dataset",
        "substance",
        "region_code",
        "sector_code",
        "reason_sv",
        "reason_en",
        "source",
    )
    return Defect(**{name: row[name] for name in texts}, **guards, **dates, years=tuple(map(int, years)))  # type: ignore[arg-type]


def _read_guard(where: str, text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise RegisterError(DEFECTS_FILE, where, "a number of tonnes, or nothing", text) from None


def to_frame(targets: Sequence[Target]) -> pd.DataFrame:
    """Targets as rows of ``register.target``.

    Args:
        targets: Own targets and national lines.

    Returns:
        One row per target_id, in id order, with ``REGISTER_COLUMNS``. ``definition`` is a mapping ready for
        JSON that :func:`from_definition` turns back into the same target; missing values are None.
    """
    rows = [_register_row(target) for target in sorted(targets, key=lambda target: target.target_id)]
    return pd.DataFrame(rows, columns=list(REGISTER_COLUMNS), dtype=object)


def _register_row(target: Target) -> tuple[object, ...]:
    return (
        target.target_id,
        target.region_code,
        target.region_code is None,
        definition(target),
        target.title_sv,
        target.title_en,
        target.decided_on,
        target.decided_by or None,
        target.document_url or None,
        target.valid_from,
        target.valid_to,
        target.superseded_by,
    )


def definition(target: Target) -> dict[str, Any]:
    """Every setting of a target that differs from its default, ready for JSON (dates as ISO text)."""
    settings: dict[str, Any] = {}
    for field in dataclasses.fields(target):
        value = getattr(target, field.name)
        if field.default is not dataclasses.MISSING and value == field.default:
            continue
        if field.name == "interim":
            value = [dataclasses.asdict(step) for step in value]
        settings[field.name] = value.isoformat() if isinstance(value, dt.date) else value
    return settings


def from_definition(settings: Mapping[str, Any]) -> Target:
    """The target that :func:`definition` described.

    Raises:
        ValueError: if the settings make no target.
    """
    values = dict(settings)
    for name in _DATES:
        if values.get(name) is not None:
            values[name] = dt.date.fromisoformat(values[name])
    values["interim"] = tuple(Interim(**step) for step in values.get("interim", ()))
    return Target(**values)
