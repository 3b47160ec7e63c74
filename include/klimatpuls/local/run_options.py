"""The options of a run: which sources it calls, in which state directory, for which day.

``auto`` (``make run`` only) calls the agencies if they answer, else the mock agencies, but never where live
figures would be mixed or replaced: a state directory that has published live figures never falls back.
``ARCHIVE`` and ``AS_OF`` mean the mock agencies. A state directory remembers its options for commands that
name none.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from klimatpuls.errors import UsageError
from klimatpuls.local.home import Home, default_root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SOURCES_CHOICES = ("auto", "live", "mock")
MOCK_VARIABLE, OLD_MOCK_VARIABLE = "KLIMATPULS_MOCK", "KLIMATPULS_REPLICA"
"""How the mock agencies answer: plainly if it is not set, else ``as-recorded``."""
AS_RECORDED = "as-recorded"
BUNDLED = "bundled"
"""Name under which a state directory remembers the archive that the project makes itself."""


def mock_conditions(environ: Mapping[str, str], remembered: str | None) -> str | None:
    """Return how the mock agencies answer: ``None`` (plainly) or ``as-recorded``.

    Args:
        environ: ``KLIMATPULS_MOCK``; empty means plainly.
        remembered: The value if it is not set.

    Raises:
        UsageError: if it has another value.
    """
    if OLD_MOCK_VARIABLE in environ and MOCK_VARIABLE not in environ:
        _warn_deprecated(OLD_MOCK_VARIABLE, MOCK_VARIABLE)
        remembered = environ[OLD_MOCK_VARIABLE]
    conditions = environ.get(MOCK_VARIABLE, remembered) or None
    if conditions not in (None, AS_RECORDED):
        raise UsageError(f"{MOCK_VARIABLE} is {conditions!r}, expected {AS_RECORDED} or nothing")
    return conditions


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What the user named, by option or environment; ``None`` for what was not named.

    Attributes:
        sources: ``auto``, ``live`` or ``mock``.
        archive: Archive folder for the mock agencies.
        as_of: Day to answer as of.
        home: State directory.
    """

    sources: str | None = None
    archive: Path | None = None
    as_of: date | None = None
    home: Path | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> RunRequest:
        """Read ``SOURCES``, ``ARCHIVE``, ``AS_OF`` and ``KLIMATPULS_HOME``; empty ones count as not set.

        Raises:
            UsageError: if one of them has an invalid value.
        """
        sources = environ.get("SOURCES") or None
        if sources == "replica":
            _warn_deprecated("SOURCES=replica", "SOURCES=mock")
            sources = "mock"
        if sources is not None and sources not in SOURCES_CHOICES:
            raise UsageError(f"SOURCES is {sources!r}, expected one of {', '.join(SOURCES_CHOICES)}")
        archive = Path(environ["ARCHIVE"]) if environ.get("ARCHIVE") else None
        if archive is not None and not archive.is_dir():
            raise UsageError(f"ARCHIVE is {str(archive)!r}, not a folder; name one with smhi/ and scb/")
        try:
            as_of = date.fromisoformat(environ["AS_OF"]) if environ.get("AS_OF") else None
        except ValueError:
            raise UsageError(f"AS_OF is {environ['AS_OF']!r}, expected a day such as 2026-05-08") from None
        if sources == "live" and (archive or as_of):
            raise UsageError("ARCHIVE and AS_OF mean the mock agencies; unset them or use SOURCES=mock")
        home = Path(environ["KLIMATPULS_HOME"]) if environ.get("KLIMATPULS_HOME") else None
        return cls(sources=sources, archive=archive, as_of=as_of, home=home)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a command will do.

    Attributes:
        sources: ``live`` or ``mock``.
        origin: ``live``, ``archive`` or ``synthetic``.
        home: State directory.
        archive: Archive folder; ``None`` for live sources and for the bundled archive.
        as_of: Day to answer as of; ``None`` for today.
        notice: Sentence to show prominently at the start and the end, or ``None``.
    """

    sources: str
    origin: str
    home: Path
    archive: Path | None = None
    as_of: date | None = None
    notice: str | None = None


def resolve(request: RunRequest, project: Path, is_live_reachable: Callable[[], bool]) -> RunOptions:
    """Return sources, origin and state directory of a run, before anything is fetched.

    Args:
        request: What the user named.
        project: Root of the work tree, under which the default state directories lie.
        is_live_reachable: Calls the agencies; used only if the answer matters.
    """
    names_nothing = request.sources is None and request.archive is None and request.as_of is None
    if names_nothing and request.home is not None:
        config = Home(request.home).config
        if config.sources is not None:
            origin = config.origin or "live"
            return RunOptions(
                sources=config.sources,
                origin=origin,
                home=request.home,
                archive=_remembered_archive(request.home),
                as_of=date.fromisoformat(config.as_of) if config.as_of else None,
                notice=_NOTICES[origin],
            )
    if request.archive is not None or request.as_of is not None or request.sources == "mock":
        return _mock_options(request, project)
    live_home = request.home or default_root(project, "live")
    if request.sources == "live" or _has_live_figures(live_home) or is_live_reachable():
        return RunOptions(sources="live", origin="live", home=live_home)
    return _mock_options(
        request, project, f"The agencies cannot be reached from here. {_NOTICES['synthetic']}"
    )


def _mock_options(request: RunRequest, project: Path, notice: str | None = None) -> RunOptions:
    archive = request.archive or (_remembered_archive(request.home) if request.home else None)
    # Only a newly named archive sets the origin: a state directory keeps its own.
    kept = Home(request.home).config.origin if archive and request.home and not request.archive else None
    origin = kept or ("synthetic" if archive is None or _is_synthetic(archive) else "archive")
    return RunOptions(
        sources="mock",
        origin=origin,
        home=request.home or default_root(project, origin, archive),
        archive=archive.resolve() if archive else None,
        as_of=request.as_of,
        notice=notice or _NOTICES[origin],
    )


def _is_synthetic(archive: Path) -> bool:
    from klimatpuls.mock_agencies.origin import is_synthetic

    return is_synthetic(archive)


def _remembered_archive(home: Path) -> Path | None:
    archive = Home(home).config.archive if (home / "config.json").is_file() else None
    return None if archive in {None, BUNDLED} else Path(str(archive))


def _has_live_figures(home: Path) -> bool:
    """Return whether a state directory has published live figures, without making the folder."""
    if not (home / "config.json").is_file():
        return False
    config = Home(home).config
    return config.origin == "live" and config.first_published is not None


def _warn_deprecated(old: str, new: str) -> None:
    sys.stderr.write(f"klimatpuls: {old} is deprecated and will be removed; use {new}\n")


_NOTICES: dict[str, str | None] = {
    "live": None,
    "archive": "These figures come from an ARCHIVE folder, served by mock agencies on this machine.",
    "synthetic": "These are SYNTHETIC figures from mock agencies on this machine: for trials, not for use.",
}
