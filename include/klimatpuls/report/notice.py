"""The operator's mail: what was refused, held or not fetched, in the words of the terminal.

Plain text alone: findings are tables of a terminal, and nothing an agency wrote is taken for markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

from klimatpuls.report.numbers import Speaker
from klimatpuls.translations import message, translate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from klimatpuls.report.mailer import SmtpSettings

ORIGIN: Final = {"archive": message("ARCHIVED FIGURES"), "synthetic": message("SYNTHETIC FIGURES")}
"""What stands before a matter whose figures are not live."""
PUBLISHED_ALL_THE_SAME: Final = "publish.stale-"
"""How the keys of matters begin in spite of which something was published."""
NO_DIGEST: Final = "no-digest-"
"""How the key of a wrong mail connection goes on after ``publish``."""
LOST_PARTS: Final = "lost-"
"""How the keys of missing parts go on after the source."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One matter that the operator is told of.

    Attributes:
        key: Names the matter; the same matter is told once.
        source: Catalogue id of the source.
        matter_sv: What happened, Swedish, without the source's name.
        matter_en: The same, English.
        findings: What was found and what to do, as the terminal says it.
        origin: Origin of the figures.
    """

    key: str
    source: str
    matter_sv: str
    matter_en: str
    findings: Sequence[str]
    origin: str


def build_notice(notice: Notice, settings: SmtpSettings, recipient: str, now: datetime) -> EmailMessage:
    """The mail that tells of a matter.

    Args:
        notice: The matter.
        settings: The mail server, for the sender.
        recipient: Address of the operator.
        now: Moment of the Date line, with its time zone.
    """
    swedish, english = _headline(notice, Speaker("sv")), _headline(notice, Speaker("en"))
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"Klimatpuls <{settings.from_address}>"
    mail["To"] = recipient
    mail["Subject"] = f"{swedish} / {english}"
    mail["Date"] = format_datetime(now)
    domain = settings.from_address.rpartition("@")[2]
    mail["Message-ID"] = f"<notice.{notice.key}.{now:%Y%m%d%H%M%S%f}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = "sv, en"
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
    return mail


def _headline(notice: Notice, say: Speaker) -> str:
    origin = f"{say(ORIGIN[notice.origin])}: " if notice.origin in ORIGIN else ""
    return f"{origin}{notice.source}: {say.either(notice.matter_sv, notice.matter_en)}"


def _effect(notice: Notice) -> str:
    """What a matter does to what readers see."""
    if notice.key.startswith(PUBLISHED_ALL_THE_SAME):
        return message("Facts and all other tables are published.")
    if notice.key.startswith(f"{notice.source}.{LOST_PARTS}"):
        return message("The rest is checked and published like any other release.")
    if notice.key.startswith(f"{notice.source}.{NO_DIGEST}"):
        return message("Facts and tables are published all the same.")
    return message("What is published stays as it was.")
