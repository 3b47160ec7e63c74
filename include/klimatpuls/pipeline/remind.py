"""Queues the reminders to the members' contacts that are due today."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, cast

from psycopg2.extras import execute_values

from klimatpuls.membership.reminders import Item, ItemKind, Key, Step, due_steps
from klimatpuls.report.reminder import write_reminder
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.pipeline.context import RunContext

Contact = tuple[str, str]
"""Region code and kind of contact."""


def queue_reminders(conn: PgConnection, context: RunContext) -> int:
    """Put the reminders that are due into the outbox; returns how many. Run twice a day, it queues them once.

    Contacts with the same address are one person, who gets one mail about all of them. Before anything is
    published nobody is reminded.

    Args:
        conn: Connection as ``wh_mailer``; this function commits.
        context: The day, whether a person approves mail, and the address of the site.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("report/publication.sql"))
        found = cursor.fetchone()
        if found is None or found[0] is None:
            return 0
        queued = 0
        for contacts, steps in _due(cursor, context.as_of):
            queued += _queue(cursor, contacts[0], steps, int(found[0]), context)
    return queued


def _due(cursor: Cursor, today: date) -> list[tuple[list[Contact], tuple[Step, ...]]]:
    """Each person's contacts with the steps to remind of today."""
    items = _items(cursor)
    mailed: dict[Contact, date] = {}
    reminded: dict[Contact, dict[Key, date]] = defaultdict(dict)
    cursor.execute(load_sql("read/reminders_sent.sql"))
    for region, kind, last_mail, *key, step in cursor.fetchall():
        mailed[region, kind] = last_mail
        reminded[region, kind][cast("Key", tuple(key))] = step
    people: dict[str, list[Contact]] = defaultdict(list)
    cursor.execute(load_sql("read/contacts.sql"))
    for region, kind, _, address in cursor.fetchall():
        people[address.casefold()].append((region, kind))
    due = []
    for contacts in people.values():
        own = [item for region in dict.fromkeys(region for region, _ in contacts) for item in items[region]]
        newest: dict[Key, date] = {}
        for contact in contacts:
            for matter, step in reminded[contact].items():
                newest[matter] = max(step, newest.get(matter, step))
        last = max((mailed[contact] for contact in contacts if contact in mailed), default=None)
        if steps := due_steps(own, newest, last, today):
            due.append((contacts, steps))
    return due


def _items(cursor: Cursor) -> Mapping[str, list[Item]]:
    items: dict[str, list[Item]] = defaultdict(list)
    cursor.execute(load_sql("read/reminder_items.sql"))
    for region, kind, item_id, title_sv, title_en, due_on in cursor.fetchall():
        items[region].append(
            Item(
                due_on=due_on,
                region_code=region,
                kind=ItemKind(kind),
                item_id=item_id,
                title_sv=title_sv,
                title_en=title_en,
            )
        )
    return items


def _queue(
    cursor: Cursor, contact: Contact, steps: Sequence[Step], publication_id: int, context: RunContext
) -> int:
    items = [step.item for step in steps]
    urls = {}
    if root := context.site_options.base_url.rstrip("/"):
        urls = {item.region_code: f"{root}/sv/{item.region_code}/" for item in items}
    subject, body = write_reminder(items, today=context.as_of, lang="sv", page_urls=urls)
    values = {
        "publication_id": publication_id,
        "as_of_date": context.as_of,
        "region_code": contact[0],
        "contact_kind": contact[1],
        "subject": subject,
        "body": body,
        "approval": "asked" if context.always_ask else "not_needed",
    }
    cursor.execute(load_sql("write/queue_reminder.sql"), values)
    row = cursor.fetchone()
    if row is None:
        return 0
    rows = [
        (row[0], step.item.region_code, step.item.kind, step.item.item_id, step.item.due_on, step.on)
        for step in steps
    ]
    execute_values(cursor, load_sql("write/insert_reminder_items.sql"), rows)
    return 1
