"""The context of a run, shared by its steps: day, origin, folders, settings.

A task or a command reads it once from its environment and passes it on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from klimatpuls import clock
from klimatpuls.domain import substances
from klimatpuls.errors import UsageError
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.site.options import Options, Pdfs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

ORIGINS = ("live", "archive", "synthetic")
APPROVAL_MODES = ("auto", "always")
AIR_POLLUTANTS_VARIABLE = "KLIMATPULS_AIR_POLLUTANTS"
INGEST_PATIENCE_MINUTES = 30
"""A publication does not wait for a source run that began longer ago than this."""


def approval_mode(environ: Mapping[str, str]) -> str:
    """Return who approves a digest: ``MAIL_APPROVAL``, or ``auto`` if it is not set.

    Args:
        environ: The environment.

    Raises:
        UsageError: if it is neither ``auto`` nor ``always``.
    """
    mode = environ.get("MAIL_APPROVAL") or "auto"
    if mode not in APPROVAL_MODES:
        msg = f"MAIL_APPROVAL is {mode!r}, expected one of {', '.join(APPROVAL_MODES)}"
        raise UsageError(msg)
    return mode


def air_pollutants(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the air pollutants to fetch: ``KLIMATPULS_AIR_POLLUTANTS``, none if it is not set.

    Args:
        environ: The environment; ``all``, or codes with commas or blanks between them, in any case.

    Returns:
        Our codes.

    Raises:
        UsageError: if it names anything but air pollutants.

    Example: ``NOx, hg`` → nox and hg.
    """
    codes = substances.air_pollutants()
    named = frozenset((environ.get(AIR_POLLUTANTS_VARIABLE) or "").replace(",", " ").lower().split())
    if named == {"all"}:
        return frozenset(codes)
    if unknown := sorted(named - set(codes)):
        msg = (
            f"{AIR_POLLUTANTS_VARIABLE} names {', '.join(unknown)}; the air pollutants are "
            f"{', '.join(codes)}, or all. Greenhouse gases are fetched without being named."
        )
        raise UsageError(msg)
    return named


def site_options(environ: Mapping[str, str]) -> Options:
    """Return how the site is built: ``SITE_BASE_URL``, its root on the web, and ``SITE_PDFS``, else all.

    Args:
        environ: The environment.

    Raises:
        UsageError: if one of them is not what it can be.
    """
    base_url, pdfs = environ.get("SITE_BASE_URL") or "", environ.get("SITE_PDFS") or "all"
    if base_url and not re.fullmatch(r"https?://[!-~]+", base_url):
        msg = f"SITE_BASE_URL is {base_url!r}, expected an address such as https://klimat.example.org"
        raise UsageError(msg)
    if pdfs not in get_args(Pdfs):
        msg = f"SITE_PDFS is {pdfs!r}, expected one of {', '.join(get_args(Pdfs))}"
        raise UsageError(msg)
    return Options(base_url=base_url, pdfs=cast("Pdfs", pdfs))


def check_settings(environ: Mapping[str, str]) -> None:
    """Check settings that the tasks read, before anything is started.

    Raises:
        UsageError: as :func:`approval_mode`, :func:`air_pollutants` and :func:`site_options`.
    """
    approval_mode(environ)
    air_pollutants(environ)
    site_options(environ)


def registers_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the network's registers: ``KLIMATPULS_REGISTERS``, else the project's own."""
    return Path(environ.get("KLIMATPULS_REGISTERS") or REGISTERS_FOLDER)


def contacts_file(environ: Mapping[str, str]) -> Path | None:
    """Return the file of the members' contacts: ``KLIMATPULS_CONTACTS``; None if it is not set."""
    named = environ.get("KLIMATPULS_CONTACTS")
    return Path(named) if named else None


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """The context of a run.

    Attributes:
        home: The state directory.
        origin: ``live``, ``archive`` or ``synthetic``.
        as_of: The run's day in Sweden.
        now: The present moment, with time zone.
        always_ask: Whether a person approves every digest (``MAIL_APPROVAL=always``).
        air_pollutants: Air pollutants that are fetched in addition to the greenhouse gases.
        registers: Folder of the network's registers (``KLIMATPULS_REGISTERS``).
        contacts: File of the members' contacts (``KLIMATPULS_CONTACTS``), kept outside the project, or None.
        site_options: How the site is built (``SITE_BASE_URL``, ``SITE_PDFS``).
    """

    home: Path
    origin: str
    as_of: date
    now: datetime
    always_ask: bool = False
    air_pollutants: frozenset[str] = frozenset()
    registers: Path = REGISTERS_FOLDER
    contacts: Path | None = None
    site_options: Options = field(default_factory=Options)

    @property
    def today(self) -> date:
        """The real day in Sweden, not the day of the run."""
        return clock.stockholm_date(self.now)

    @property
    def snapshots(self) -> Path:
        """Folder of the raw bytes, which are never deleted."""
        return self.home / "snapshots"

    @property
    def data_docs(self) -> Path:
        """Folder of the validation pages."""
        return self.home / "data_docs"

    @property
    def reports(self) -> Path:
        """Folder of the rendered digests."""
        return self.home / "reports"

    @property
    def site(self) -> Path:
        """Folder of the static site."""
        return self.home / "site"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], now: datetime) -> RunContext:
        """Read the context of a task or command.

        Args:
            environ: ``KLIMATPULS_HOME`` and ``KLIMATPULS_ORIGIN``; optional ``KLIMATPULS_AS_OF``,
                ``MAIL_APPROVAL``, ``KLIMATPULS_AIR_POLLUTANTS``, ``KLIMATPULS_REGISTERS``,
                ``KLIMATPULS_CONTACTS``, ``SITE_BASE_URL`` and ``SITE_PDFS``.
            now: The present moment, with time zone.

        Raises:
            UsageError: if a setting is missing or not one of its allowed values.
        """
        home = environ.get("KLIMATPULS_HOME")
        if not home:
            msg = "KLIMATPULS_HOME is not set: name the folder that holds snapshots, reports and Data Docs"
            raise UsageError(msg)
        origin = environ.get("KLIMATPULS_ORIGIN", "")
        if origin not in ORIGINS:
            msg = f"KLIMATPULS_ORIGIN is {origin!r}, expected one of {', '.join(ORIGINS)}"
            raise UsageError(msg)
        return cls(
            home=Path(home),
            origin=origin,
            as_of=clock.as_of_date(environ, now),
            now=now,
            always_ask=approval_mode(environ) == "always",
            air_pollutants=air_pollutants(environ),
            registers=registers_folder(environ),
            contacts=contacts_file(environ),
            site_options=site_options(environ),
        )
