"""Builds the operator's mail: what was refused, held or not fetched, as the terminal shows it.

Plain text only: findings are tables of a terminal, and text from an agency must not become markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from klimatpuls.report.mailer import CONTENT_LANGUAGE, start_message
from klimatpuls.report.numbers import Speaker
from klimatpuls.translations import message, translate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from email.message import EmailMessage

    from klimatpuls.report.mailer import SmtpSettings

ORIGIN: Final = {"archive": message("ARCHIVED FIGURES"), "synthetic": message("SYNTHETIC FIGURES")}
"""Prefix of a matter whose figures are not live."""
PUBLISHED_ALL_THE_SAME: Final = "publish.stale-"
"""Start of the keys of matters that did not stop a publication."""
NO_DIGEST: Final = "no-digest-"
"""In the key of a wrong mail connection, after ``publish``."""
LOST_PARTS: Final = "lost-"
"""In the keys of missing parts, after the source."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One matter for the operator.

    Attributes:
        key: Identifies the matter; each matter is mailed once.
        source: Catalogue id of the source.
        matter_sv: What happened, Swedish, without the source's name.
        matter_en: The same, English.
        findings: What was found and what to do, as the terminal shows it.
        origin: Origin of the figures.
    """

    key: str
    source: str
    matter_sv: str
    matter_en: str
    findings: Sequence[str]
    origin: str


def build_notice(notice: Notice, settings: SmtpSettings, recipient: str, now: datetime) -> EmailMessage:
    """The mail about one matter.

    Args:
        notice: The matter.
        settings: The mail server, for the sender.
        recipient: Address of the operator.
        now: Moment of the Date line, with its time zone.
    """
    swedish, english = _headline(notice, Speaker("sv")), _headline(notice, Speaker("en"))
    domain = settings.from_address.rpartition("@")[2]
    mail = start_message(
        settings,
        subject=f"{swedish} / {english}",
        recipient=recipient,
        message_id=f"<notice.{notice.key}.{now:%Y%m%d%H%M%S%f}@{domain}>",
        date=now,
    )
    mail["X-Klimatpuls-Origin"] = notice.origin
    effect = _effect(notice)
    text = "\n\n".join(
        (
            f"{swedish}. {translate('sv', effect)}",
            f"{english}. {translate('en', effect)}",
            *notice.findings,
        )
    )
    mail.set_content(text + "\n", cte="quoted-printable")
    mail["Content-Language"] = CONTENT_LANGUAGE  # Setting the content removes an earlier one.
    return mail


def _headline(notice: Notice, say: Speaker) -> str:
    origin = f"{say(ORIGIN[notice.origin])}: " if notice.origin in ORIGIN else ""
    return f"{origin}{notice.source}: {say.either(notice.matter_sv, notice.matter_en)}"


def _effect(notice: Notice) -> str:
    """The effect of a matter on what readers see, as a message."""
    if notice.key.startswith(PUBLISHED_ALL_THE_SAME):
        return message("Facts and all other tables are published.")
    if notice.key.startswith(f"{notice.source}.{LOST_PARTS}"):
        return message("The rest is checked and published like any other release.")
    if notice.key.startswith(f"{notice.source}.{NO_DIGEST}"):
        return message("Facts and tables are published all the same.")
    return message("What is published stays as it was.")
