"""The network's own data as reviewed files: read, checked, and named by the hash of its content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from klimatpuls.registers.members import read_members
from klimatpuls.registers.reading import REGISTERS_FOLDER, RegisterError
from klimatpuls.registers.targets import (
    NATIONAL_FILE,
    OWN_FILE,
    RULES_FILE,
    Rules,
    definition,
    read_known_defects,
    read_national_lines,
    read_own_targets,
    read_rules,
)
from klimatpuls.targets import NATIONAL_EFFORT_SHARING_BASE_YEAR, NATIONAL_EFFORT_SHARING_DEDUCTION_TCO2E

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from klimatpuls.defects import Defect
    from klimatpuls.targets import Target

__all__ = [
    "REGISTERS_FOLDER",
    "RegisterError",
    "Registers",
    "Rules",
    "members_sha256",
    "read_registers",
    "register_sha256",
    "targets_sha256",
]


@dataclass(frozen=True, kw_only=True)
class Registers:
    """All registers, read and checked against each other.

    Attributes:
        members: See :func:`klimatpuls.registers.members.read_members`.
        own_targets: Targets with an owner.
        national_lines: Comparison lines without one, proposed ones among them.
        rules: Numbers of decisions.
        known_defects: See :func:`klimatpuls.registers.targets.read_known_defects`.
    """

    members: pd.DataFrame
    own_targets: tuple[Target, ...]
    national_lines: tuple[Target, ...]
    rules: Rules
    known_defects: tuple[Defect, ...]

    @property
    def targets(self) -> tuple[Target, ...]:
        """Own targets and national lines, by id."""
        return tuple(sorted((*self.own_targets, *self.national_lines), key=lambda target: target.target_id))


def read_registers(folder: Path = REGISTERS_FOLDER) -> Registers:
    """Every register of a folder.

    Raises:
        RegisterError: if a file is malformed, or two of them contradict each other.
    """
    registers = Registers(
        members=read_members(folder),
        own_targets=read_own_targets(folder),
        national_lines=read_national_lines(folder),
        rules=read_rules(folder),
        known_defects=read_known_defects(folder),
    )
    _check_together(registers)
    return registers


def _check_together(registers: Registers) -> None:
    lines = {line.target_id for line in registers.national_lines}
    if both := sorted(lines & {target.target_id for target in registers.own_targets}):
        raise RegisterError(OWN_FILE, "target_id", f"ids that {NATIONAL_FILE} does not use", both)
    rules = registers.rules
    if rules.proposed_line_id not in lines:
        where = "proposed_line.target_id"
        raise RegisterError(RULES_FILE, where, f"the id of a line in {NATIONAL_FILE}", rules.proposed_line_id)
    found = (rules.effort_sharing_base_year, rules.effort_sharing_deduction_tco2e)
    reckoned = (NATIONAL_EFFORT_SHARING_BASE_YEAR, NATIONAL_EFFORT_SHARING_DEDUCTION_TCO2E)
    if found != reckoned:
        expected = f"base year and deduction that the formulas use, {reckoned}"
        raise RegisterError(RULES_FILE, "national_effort_sharing", expected, found)


def members_sha256(registers: Registers) -> str:
    """Hash of what the register of members says, whatever the order and layout of its file."""
    return _sha256(registers.members.to_dict("records"))


def targets_sha256(registers: Registers) -> str:
    """Hash of what the registers of targets, rules and known defects say."""
    return _sha256(
        {
            "targets": [definition(target) for target in registers.targets],
            "rules": asdict(registers.rules),
            "known_defects": [asdict(defect) for defect in registers.known_defects],
        }
    )


def register_sha256(registers: Registers) -> str:
    """Hash over the content of all registers; a changed comment in a file is no changed register."""
    return _sha256({"members": members_sha256(registers), "targets": targets_sha256(registers)})


def _sha256(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
