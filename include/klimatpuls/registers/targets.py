"""The registers of targets: the members' own, the national lines, and the numbers of the rules.

``targets.yaml`` holds targets with an owner, ``national_lines.yaml`` comparison lines without one, both in
the shape of :class:`klimatpuls.statistics.targets.Target`; ``rules.yaml`` holds numbers of decisions;
``known_defects.csv`` cells of the sources that are known to be wrong.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.domain.defects import Defect
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.registers.checking import check_folder
from klimatpuls.statistics.targets import Interim, Target, TargetState, TargetType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from klimatpuls.registers.rules import Record

_DATES: Final = ("decided_on", "valid_from", "valid_to")
_DEFECT_DATES: Final = ("published_date", "entered_on", "review_by")


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


def read_known_defects(folder: Path = REGISTERS_FOLDER) -> tuple[Defect, ...]:
    """Cells of the sources that are known to be wrong: they keep their value and carry no trend.

    Returns:
        The entries, ordered by their name.

    Raises:
        RegisterError: with every mistake of ``known_defects.csv``.
    """
    return to_defects(check_folder(folder).of("known_defects"))


def to_targets(records: Sequence[Record]) -> tuple[Target, ...]:
    """Checked records of targets or national lines as targets, by id."""
    found = [from_definition(record.values) for record in records]
    return tuple(sorted(found, key=lambda target: target.target_id))


def to_rules(records: Sequence[Record]) -> Rules:
    """The one checked record of ``rules.yaml`` as rules."""
    (record,) = records
    shared, proposed = record.values["national_effort_sharing"], record.values["proposed_line"]
    return Rules(
        effort_sharing_base_year=shared["base_year"],
        effort_sharing_deduction_tco2e=float(shared["deduction_tco2e"]),
        proposed_line_id=proposed["target_id"],
        proposed_nation_only_above_points=float(proposed["nation_only_above_points"]),
    )


def to_defects(records: Sequence[Record]) -> tuple[Defect, ...]:
    """Checked records of ``known_defects.csv`` as defects, by name."""
    found = []
    for record in records:
        values: dict[str, Any] = {"at_most": None, "at_least": None, **record.values}
        values.update({name: record.day(name) for name in _DEFECT_DATES})
        values["years"] = tuple(values["years"])
        found.append(Defect(**values))
    return tuple(sorted(found, key=lambda defect: defect.defect_id))


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
    steps = sorted(values.get("interim", ()), key=lambda step: int(step["year"]))
    values["interim"] = tuple(Interim(**step) for step in steps)
    for name, words in (("target_type", TargetType), ("state", TargetState)):
        if name in values:
            values[name] = words(values[name])
    return Target(**values)
