"""Writes the reminder to a member's contact: what to do, by when, and where; plain text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from klimatpuls.domain import regions
from klimatpuls.membership.criteria import Criterion
from klimatpuls.membership.reminders import ItemKind
from klimatpuls.report.membership import CRITERIA
from klimatpuls.report.numbers import Speaker
from klimatpuls.report.render import TEXT_WIDTH
from klimatpuls.translations import message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from klimatpuls.membership.reminders import Item
    from klimatpuls.translations import Language

BEFORE: Final[dict[ItemKind, str]] = {
    ItemKind.CRITERION: message("The criterion “{name}” is met until {day}."),
    ItemKind.MEASURE_END: message("The measure “{name}” is to be done by {day}."),
    ItemKind.MEASURE_STALE: message("The measure “{name}” has to be updated by {day}."),
    ItemKind.ROUND: message("The network's reporting round closes on {day}."),
}
"""What is due up to its day."""
AFTER: Final[dict[ItemKind, str]] = {
    ItemKind.CRITERION: message("The criterion “{name}” was met until {day}."),
    ItemKind.MEASURE_END: message("The measure “{name}” was to be done by {day}."),
    ItemKind.MEASURE_STALE: message("The measure “{name}” should have been updated by {day}."),
    ItemKind.ROUND: message("The network's reporting round closed on {day}, and your answer is missing."),
}
"""The same after its day."""
TO_DO: Final[dict[str, str]] = {
    Criterion.INVENTORY: message(
        "Look at the figures of the newest year, and confirm to the secretariat that you have."
    ),
    Criterion.TARGETS: message("Let the council decide on a target whose year lies ahead."),
    Criterion.ACTION_PLAN: message(
        "Decide on a new plan or prolong the earlier one, and update at least one measure."
    ),
    Criterion.INFORMING: message("Report to the network."),
    ItemKind.MEASURE_END: message("Set it as done, or state a new end."),
    ItemKind.MEASURE_STALE: message("Review its status, effect and dates."),
    ItemKind.ROUND: message("Send your answer."),
}
"""Criterion, or kind of the matter → the one thing to do."""


def write_reminder(
    items: Sequence[Item], *, today: date, lang: Language, page_urls: dict[str, str]
) -> tuple[str, str]:
    """Return the subject and the text of a reminder, at most 72 columns wide.

    Args:
        items: What it is about, at least one.
        today: The day it is sent.
        lang: Language of the person.
        page_urls: Region code → address of the member's page; empty where the site has no address.
    """
    say = Speaker(lang)
    codes = sorted({item.region_code for item in items}, key=lambda code: regions.regions()[code].sort_sv)
    names = say.all_of([regions.regions()[code].name for code in codes])
    subject = say.plural(
        "Reminder for {region}: {count} thing to do",
        "Reminder for {region}: {count} things to do",
        len(items),
        region=names,
    )
    parts = [say("Hello,")]
    for code in codes:
        if len(codes) > 1:
            parts.append(regions.regions()[code].name)
        own = [item for item in items if item.region_code == code]
        numbered = enumerate(own, start=1) if len(own) > 1 else [("", own[0])]
        for number, item in numbered:
            first = f"{number}. " if number else ""
            parts.append(_wrap(_sentence(item, today, say), first=first))
        if code in page_urls:
            parts.append("\n".join((say("The figures and the entries of the register:"), page_urls[code])))
    parts.append(
        _wrap(
            say(
                "Answer this mail, and the secretariat enters what has changed. You get it because you are a "
                "contact of {region} in Klimatkommunerna.",
                region=names,
            )
        )
    )
    parts.append(say("Kind regards") + "\nKlimatkommunerna")
    return subject, "\n\n".join(parts) + "\n"


def _sentence(item: Item, today: date, say: Speaker) -> str:
    is_criterion = item.kind == ItemKind.CRITERION
    name = say(CRITERIA[item.item_id]) if is_criterion else say.either(item.title_sv, item.title_en)
    due = (BEFORE if today <= item.due_on else AFTER)[item.kind]
    to_do = TO_DO[item.item_id if is_criterion else item.kind]
    return f"{say(due, day=say.day(item.due_on), name=' '.join(name.split()))} {say(to_do)}"


def _wrap(text: str, *, first: str = "") -> str:
    return textwrap.fill(
        text, TEXT_WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
    )
