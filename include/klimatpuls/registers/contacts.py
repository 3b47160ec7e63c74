"""The two contacts of a member: role and function address, in a file outside the project.

They are personal data. No message repeats them, no list of registers holds them, and what a person asked to
be deleted is taken out of the file too, so that it does not come back.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klimatpuls.errors import UsageError
from klimatpuls.registers.checking import CONTACTS, WORKBOOK_SUFFIX, Checked, check_contacts
from klimatpuls.registers.importing import write_whole
from klimatpuls.registers.reading import RegisterError, UnreadableError, read_bytes, read_csv

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
        path: CSV or xlsx outside the project.
        registers: The registers they must fit.
        today: The present day.

    Returns:
        By member and kind.

    Raises:
        RegisterError: with every mistake; no message repeats a role or an address.
    """
    found = [Contact(**record.values) for record in check_contacts(path, registers, today)]
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
    if path.suffix.casefold() == WORKBOOK_SUFFIX:
        msg = f"{path.name} is a workbook: take the rows of {region_code} out there, then run this again"
        raise UsageError(msg)
    try:
        sheet = read_csv(read_bytes(path), path.name)
    except UnreadableError as error:
        raise RegisterError([error.mistake]) from None
    headers = CONTACTS.shape.headers
    columns = [headers.get(text.casefold()) for text in sheet.header]
    kept = []
    for _, cells in sheet.rows:
        row = dict(zip(columns, (str(cell or "").strip() for cell in cells), strict=False))
        words = CONTACTS.shape.columns["kind"]["x-words"]
        said = words.get(row.get("kind", "").casefold(), row.get("kind"))
        if row.get("region_code") != region_code or (kind is not None and said != kind):
            kept.append(cells)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([sheet.header, *kept])
    write_whole(path, out.getvalue())
    return len(sheet.rows) - len(kept)
