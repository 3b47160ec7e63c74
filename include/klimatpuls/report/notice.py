"""The operator's mail: what was refused, held or not fetched, in the words of the terminal.

Plain text alone: findings are tables of a terminal, and nothing an agency wrote is taken for markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from klimatpuls.report.mailer import SmtpSettings

ORIGIN_SV: Final = {"live": "", "archive": "ARKIVSIFFROR: ", "synthetic": "PÅHITTADE SIFFROR: "}
PUBLISHED_ALL_THE_SAME: Final = "publish.stale-"
"""How the keys of matters begin in spite of which something was published."""
NO_DIGEST: Final = "no-digest-"
"""How the key of a wrong mail connection goes on after ``publish``."""
LOST_PARTS: Final = "lost-"
"""How the keys of missing parts go on after the source."""
ORIGIN_EN: Final = {"live": "", "archive": "ARCHIVED FIGURES: ", "synthetic": "SYNTHETIC FIGURES: "}


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
    marked_sv, marked_en = ORIGIN_SV[notice.origin], ORIGIN_EN[notice.origin]
    message = EmailMessage(policy=SMTP)
    message["From"] = f"Klimatpuls <{settings.from_address}>"
    message["To"] = recipient
    message["Subject"] = (
        f"{marked_sv}{notice.source}: {notice.matter_sv} / {marked_en}{notice.source}: {notice.matter_en}"
    )
    message["Date"] = format_datetime(now)
    domain = settings.from_address.rpartition("@")[2]
    message["Message-ID"] = f"<notice.{notice.key}.{now:%Y%m%d%H%M%S%f}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = "sv, en"
    message["X-Klimatpuls-Origin"] = notice.origin
    effect = _effect(notice)
    text = "\n\n".join(
        (
            f"{marked_sv}{notice.source}: {notice.matter_sv}. {effect[0]}",
            f"{marked_en}{notice.source}: {notice.matter_en}. {effect[1]}",
            *notice.findings,
        )
    )
    message.set_content(text + "\n", cte="quoted-printable")
    return message


def _effect(notice: Notice) -> tuple[str, str]:
    """What a matter does to what readers see, Swedish and English."""
    if notice.key.startswith(PUBLISHED_ALL_THE_SAME):
        return "Fakta och alla andra tabeller är publicerade.", "Facts and all other tables are published."
    if notice.key.startswith(f"{notice.source}.{LOST_PARTS}"):
        return (
            "Resten granskas och publiceras som vanligt.",
            "The rest is checked and published like any other release.",
        )
    if notice.key.startswith(f"{notice.source}.{NO_DIGEST}"):
        return "Fakta och tabeller publiceras ändå.", "Facts and tables are published all the same."
    return "Det som är publicerat står orört.", "What is published stays as it was."
