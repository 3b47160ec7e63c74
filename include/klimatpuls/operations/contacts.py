"""The members' contacts: a file outside the project → ``person``, which only the mailer reads; deletion.

No history of them is kept. A deletion, because the file no longer has a contact or on request, is noted in
``person.deletion`` by region, number and reason, without the contact itself.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from psycopg2 import Error as DatabaseError
from psycopg2.extras import execute_values

from klimatpuls.domain import regions
from klimatpuls.errors import KlimatpulsError, UsageError
from klimatpuls.registers.checking import check_folder
from klimatpuls.registers.contacts import Contact, forget_in_file, read_contacts
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor

KINDS: Final = ("elected", "official")
NO_LONGER_IN_FILE: Final = "no longer in the file of contacts"


def sync_contacts(conn: PgConnection, path: Path, folder: Path, today: date | None = None) -> bool:
    """Make the contacts in the warehouse equal to their file; returns whether any changed.

    Args:
        conn: Connection as ``wh_mailer``; this function commits.
        path: The file of contacts, outside the project.
        folder: Folder of the registers that they must fit.
        today: The present day.

    Raises:
        RegisterError: with every mistake of the file; nothing changes then.
        KlimatpulsError: if the database refused; the message holds no role and no address.
    """
    wanted = read_contacts(path, check_folder(folder, today), today)
    try:
        with conn, conn.cursor() as cursor:
            cursor.execute(load_sql("read/contacts.sql"))
            held = [Contact(region_code=r, kind=k, role=o, address=a) for r, k, o, a in cursor.fetchall()]
            if held == list(wanted):
                return False
            _replace(cursor, held, wanted)
    except DatabaseError as error:
        # Its message can quote the row.
        msg = f"the contacts could not be written ({type(error).__name__}); nothing of them changed"
        raise KlimatpulsError(msg) from None
    return True


def _replace(cursor: Cursor, held: Sequence[Contact], wanted: Sequence[Contact]) -> None:
    for contact in held:
        if contact not in wanted:
            cursor.execute(
                load_sql("write/delete_contacts.sql"),
                {"region_code": contact.region_code, "kind": contact.kind},
            )
    new = [contact for contact in wanted if contact not in held]
    rows = [(contact.region_code, contact.kind, contact.role, contact.address) for contact in new]
    if rows:
        execute_values(cursor, load_sql("write/insert_contacts.sql"), rows)
    named = {(contact.region_code, contact.kind) for contact in wanted}
    gone = Counter(
        contact.region_code for contact in held if (contact.region_code, contact.kind) not in named
    )
    _note(cursor, gone.items(), NO_LONGER_IN_FILE)


def forget(
    conn: PgConnection, region_code: str, *, kind: str | None, reason: str, path: Path | None
) -> tuple[int, int]:
    """Delete the contacts of a member, in the warehouse and in the file that they come from.

    Args:
        conn: Connection as ``wh_mailer``; this function commits.
        region_code: The member.
        kind: ``elected`` or ``official``; None: both.
        reason: Why, kept with the note of the deletion; must not name a person.
        path: The file of contacts; None if there is none.

    Returns:
        How many were deleted in the warehouse, and how many rows in the file.

    Raises:
        UsageError: if the region is unknown or the kind is none.
        RegisterError: if the file cannot be read; nothing is deleted then.
    """
    if region_code not in regions.regions():
        msg = f"no region has the code {region_code!r}; write it as text, such as 0360"
        raise UsageError(msg)
    if kind is not None and kind not in KINDS:
        msg = f"there is no kind of contact {kind!r}; write {' or '.join(KINDS)}, or leave it out for both"
        raise UsageError(msg)
    in_file = forget_in_file(path, region_code, kind) if path is not None else 0
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("write/delete_contacts.sql"), {"region_code": region_code, "kind": kind})
        deleted = int(cursor.rowcount)
        _note(cursor, [(region_code, deleted)], reason)
    return deleted, in_file


def _note(cursor: Cursor, counts: Iterable[tuple[str, int]], reason: str) -> None:
    for region_code, count in counts:
        cursor.execute(
            load_sql("write/record_deletion.sql"),
            {"region_code": region_code, "contact_count": count, "reason": reason},
        )
