"""The two contacts of a member: role and function address, in a file outside the project.

They are personal data. No message repeats them, and they are not in the list of registers. Deleting a contact
removes it from the file too, so that the next load does not bring it back.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klimatpuls.domain import regions
from klimatpuls.domain.mail_address import parse_address
from klimatpuls.errors import UsageError
from klimatpuls.registers.checking import CONTACTS, Checked, check_contacts
from klimatpuls.registers.reading import (
    RegisterError,
    UnreadableError,
    is_workbook,
    read_bytes,
    read_csv,
)
from klimatpuls.registers.values import cell_text, value_of
from klimatpuls.registers.writing import write_whole

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Contact:
    """One contact; its text form shows nothing of it.

    Attributes:
        region_code: The member.
        kind: ``elected`` or ``official``.
        role: The role, never a name.
        address: Mail address of the function.
    """

    region_code: str
    kind: str
    role: str
    address: str

    def __repr__(self) -> str:
        """The member and the kind, for logs."""
        return f"Contact({self.region_code}, {self.kind})"


def read_contacts(path: Path, registers: Checked, today: dt.date | None = None) -> tuple[Contact, ...]:
    """The contacts of a file.

    Args:
        path: CSV or workbook outside the project.
        registers: The registers they must fit.
        today: The present day.

    Returns:
        By member and kind, each address as a mail server takes it.

    Raises:
        RegisterError: with every mistake; no message repeats a role or an address.
    """
    checked = [record.values for record in check_contacts(path, registers, today)]
    found = [Contact(**{**values, "address": str(parse_address(values["address"]))}) for values in checked]
    return tuple(sorted(found, key=lambda contact: (contact.region_code, contact.kind)))


def forget_in_file(path: Path, region_code: str, kind: str | None = None) -> int:
    """Take a member's contacts out of the file, whole or not at all.

    Args:
        path: The CSV file.
        region_code: The member.
        kind: One of its two contacts; None: both.

    Returns:
        How many rows were taken out.

    Raises:
        UsageError: if the file is a workbook, which a person has to edit.
        RegisterError: if it cannot be read.
    """
    try:
        body = read_bytes(path)
        if is_workbook(body):
            msg = f"{path.name} is a workbook: take the rows of {region_code} out there, then run this again"
            raise UsageError(msg)
        sheet = read_csv(body, path.name)
    except UnreadableError as error:
        raise RegisterError([error.mistake]) from None
    shape = CONTACTS.shape
    columns = [shape.headers.get(regions.plain_name(text)) for text in sheet.header]
    kept = []
    for _, cells in sheet.rows:
        row = {
            column: value_of(cells.get(index), shape.columns[column])
            for index, column in enumerate(columns)
            if column
        }
        if row.get("region_code") != region_code or (kind is not None and row.get("kind") != kind):
            kept.append([cell_text(cells.get(index)) for index in range(len(columns))])
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([sheet.header, *kept])
    write_whole(path, out.getvalue())
    return len(sheet.rows) - len(kept)
