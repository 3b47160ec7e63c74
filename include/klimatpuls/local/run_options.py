"""Which sources a command asks, in which home, with which day: the rules of ``auto`` and of origins.

``auto`` (``make run`` only) asks the agencies when they answer; the replica stands in **only** where no live
figure would be mixed or replaced: a home that has published live figures never falls back. ``ARCHIVE`` and
``AS_OF`` mean the replica. A home remembers what it was made from, and follows it when nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from klimatpuls.errors import UsageError
from klimatpuls.local.home import Home, default_root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from klimatpuls.local.home import Config

CHOICES = ("auto", "live", "replica")
REPLICA_VARIABLE = "KLIMATPULS_REPLICA"
"""How the replica answers: plainly where it is not set, else ``as-recorded``."""
AS_RECORDED = "as-recorded"
BUNDLED = "bundled"
"""Name under which a home remembers the archive that the project makes itself."""


def replica_conditions(environ: Mapping[str, str], remembered: str | None) -> str | None:
    """How the replica answers: None (plainly) or ``as-recorded``.

    Args:
        environ: ``KLIMATPULS_REPLICA``; an empty one means plainly.
        remembered: What the home does where it is not set.

    Raises:
        UsageError: if it says something else.
    """
    said = environ.get(REPLICA_VARIABLE, remembered) or None
    if said not in (None, AS_RECORDED):
        msg = f"{REPLICA_VARIABLE} is {said!r}, expected {AS_RECORDED} or nothing"
        raise UsageError(msg)
    return said


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the caller said, by option or environment; None where nothing was said.

    Attributes:
        sources: ``auto``, ``live`` or ``replica``.
        archive: Archive folder for the replica.
        as_of: Day to answer as of.
        home: Folder of all state.
    """

    sources: str | None = None
    archive: Path | None = None
    as_of: date | None = None
    home: Path | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Wish:
        """Read ``SOURCES``, ``ARCHIVE``, ``AS_OF`` and ``KLIMATPULS_HOME``; an empty one is not said.

        Raises:
            UsageError: if one of them is not what it should be.
        """
        sources = environ.get("SOURCES") or None
        if sources is not None and sources not in CHOICES:
            msg = f"SOURCES is {sources!r}, expected one of {', '.join(CHOICES)}"
            raise UsageError(msg)
        archive = Path(environ["ARCHIVE"]) if environ.get("ARCHIVE") else None
        if archive is not None and not archive.is_dir():
            msg = f"ARCHIVE is {str(archive)!r}, which is no folder; name one that holds smhi/ and scb/"
            raise UsageError(msg)
        as_of = environ.get("AS_OF") or None
        try:
            day = date.fromisoformat(as_of) if as_of else None
        except ValueError:
            msg = f"AS_OF is {as_of!r}, expected a day such as 2026-05-08"
            raise UsageError(msg) from None
        home = Path(environ["KLIMATPULS_HOME"]) if environ.get("KLIMATPULS_HOME") else None
        if sources == "live" and (archive or day):
            msg = "ARCHIVE and AS_OF mean the replica; leave them out or use SOURCES=replica"
            raise UsageError(msg)
        return cls(sources=sources, archive=archive, as_of=day, home=home)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a command will do.

    Attributes:
        sources: ``live`` or ``replica``.
        origin: ``live``, ``archive`` or ``synthetic``.
        home: Folder of all state.
        archive: Archive folder; None for live sources and for the bundled archive.
        as_of: Day to answer as of; None for today.
        notice: A sentence to say loudly at the start and the end, or None.
    """

    sources: str
    origin: str
    home: Path
    archive: Path | None
    as_of: date | None
    notice: str | None = None


def choose(wish: Wish, project: Path, is_live_reachable: Callable[[], bool]) -> Choice:
    """Decide sources, origin and home before anything is fetched.

    Args:
        wish: What the caller said.
        project: Root of the work tree, under which the default homes lie.
        is_live_reachable: Asks the agencies whether they answer; called only when it matters.

    Raises:
        UsageError: if what was said contradicts itself.
    """
    said_nothing = wish.sources is None and wish.archive is None and wish.as_of is None
    if said_nothing and wish.home is not None:
        remembered = Home(wish.home).config
        if remembered.sources is not None:
            return _as_remembered(wish.home, remembered)
    if wish.archive is not None or wish.as_of is not None or wish.sources == "replica":
        return _replica(wish, project, None)
    live_home = wish.home or default_root(project, "live")
    if wish.sources == "live" or _has_live_figures(live_home) or is_live_reachable():
        return Choice(sources="live", origin="live", home=live_home, archive=None, as_of=None)
    return _replica(
        wish,
        project,
        "The agencies cannot be reached from here. These are SYNTHETIC figures from a replica on this "
        "machine: for trying out, not for use.",
    )


def _replica(wish: Wish, project: Path, notice: str | None) -> Choice:
    archive = wish.archive or (_remembered_archive(wish.home) if wish.home else None)
    # A home keeps its origin; what its archive is, is asked when it is named.
    kept = Home(wish.home).config.origin if archive and wish.home and not wish.archive else None
    origin = kept or ("synthetic" if archive is None or _is_made_up(archive) else "archive")
    return Choice(
        sources="replica",
        origin=origin,
        home=wish.home or default_root(project, origin, archive),
        archive=archive.resolve() if archive else None,
        as_of=wish.as_of,
        notice=notice or _NOTICES[origin],
    )


def _is_made_up(archive: Path) -> bool:
    from klimatpuls.mock_agencies.origin import is_synthetic

    return is_synthetic(archive)


def _as_remembered(home: Path, config: Config) -> Choice:
    origin = config.origin or "live"
    return Choice(
        sources=str(config.sources),
        origin=origin,
        home=home,
        archive=_remembered_archive(home),
        as_of=date.fromisoformat(config.as_of) if config.as_of else None,
        notice=_NOTICES[origin],
    )


def _remembered_archive(home: Path) -> Path | None:
    if not (home / "config.json").is_file():
        return None
    archive = Home(home).config.archive
    return None if archive in {None, BUNDLED} else Path(str(archive))


def _has_live_figures(home: Path) -> bool:
    """Whether a home has published live figures; looks without making the folder."""
    if not (home / "config.json").is_file():
        return False
    config = Home(home).config
    return config.origin == "live" and config.first_published is not None


_NOTICES = {
    "live": None,
    "archive": "These figures come from an ARCHIVE folder, answered by a replica on this machine.",
    "synthetic": "These are SYNTHETIC figures from a replica on this machine: for trying out, not for use.",
}
