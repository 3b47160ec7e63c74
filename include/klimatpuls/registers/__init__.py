"""The network's own files, read and checked: members, targets, plans, measures."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.registers import members as member_register
from klimatpuls.registers import targets as target_register
from klimatpuls.registers.checking import REGISTERS, check_folder
from klimatpuls.registers.checking import register_sha256 as records_sha256
from klimatpuls.registers.reading import RegisterError
from klimatpuls.registers.targets import Rules

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from klimatpuls.domain.defects import Defect
    from klimatpuls.registers.rules import Record
    from klimatpuls.statistics.targets import Target

__all__ = [
    "RegisterError",
    "Registers",
    "Rules",
    "read_registers",
    "register_hashes",
    "register_sha256",
]


@dataclass(frozen=True, kw_only=True)
class Registers:
    """All registers, read and checked against each other.

    Attributes:
        members: See :func:`klimatpuls.registers.members.to_frame`.
        own_targets: Targets with an owner.
        national_lines: Comparison lines without one, proposed ones among them.
        rules: Numbers of decisions.
        known_defects: See :func:`klimatpuls.registers.targets.read_known_defects`.
        records: Every register by name, as checked records.
    """

    members: pd.DataFrame
    own_targets: tuple[Target, ...]
    national_lines: tuple[Target, ...]
    rules: Rules
    known_defects: tuple[Defect, ...]
    records: Mapping[str, tuple[Record, ...]]

    @property
    def targets(self) -> tuple[Target, ...]:
        """Own targets and national lines, by id."""
        return tuple(sorted((*self.own_targets, *self.national_lines), key=lambda target: target.target_id))


def read_registers(folder: Path = REGISTERS_FOLDER, today: dt.date | None = None) -> Registers:
    """Every register of a folder.

    Args:
        folder: Folder of the files.
        today: The present day, for days that may not lie ahead; None skips that check.

    Raises:
        RegisterError: with every mistake of every file.
    """
    checked = check_folder(folder, today)
    if checked.mistakes:
        raise RegisterError(checked.mistakes)
    records = checked.records
    return Registers(
        members=member_register.to_frame(records["members"]),
        own_targets=target_register.to_targets(records["targets"]),
        national_lines=target_register.to_targets(records["national_lines"]),
        rules=target_register.to_rules(records["rules"]),
        known_defects=target_register.to_defects(records["known_defects"]),
        records=records,
    )


def register_hashes(registers: Registers) -> dict[str, str]:
    """Register → hash of its content, independent of the order and layout of its file."""
    return {name: records_sha256(registers.records[name]) for name in REGISTERS}


def register_sha256(registers: Registers) -> str:
    """Hash over the content of all registers; comments in the files do not count."""
    text = json.dumps(register_hashes(registers), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
