"""Commands that need a running stack: run once, leave it up, refresh, ingest a file, decide on a release.

Heavy modules are imported where they are used, while the stack starts.
"""

from __future__ import annotations

import os
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.cli import output
from klimatpuls.contract.catalog import SOURCES, source
from klimatpuls.errors import EXIT_DONE, EXIT_QUARANTINE, WrongHomeError
from klimatpuls.local import runtime
from klimatpuls.local.run_options import resolve
from klimatpuls.pipeline.context import check_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from klimatpuls.contract.catalog import Source
    from klimatpuls.local.home import Home
    from klimatpuls.local.refresh import Outcome
    from klimatpuls.local.run_options import RunOptions, RunRequest
    from klimatpuls.local.stack import Stack
    from klimatpuls.pipeline.approval import Action
    from klimatpuls.pipeline.snapshot import RecognisedFile

    Say = Callable[[str], None]


class _Clocked:
    """Prints lines, each with the seconds since the command began in front."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._begun = time.monotonic()

    def __call__(self, line: str) -> None:
        self._say(f"[{self.seconds:6.1f} s] {line}")

    @property
    def seconds(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self._begun


def run_once(request: RunRequest, say: Say) -> int:
    """Start the stack, refresh every source, print the summary, stop; returns the exit code.

    Args:
        request: Sources, archive, day and state directory.
        say: Prints a line.

    Raises:
        KlimatpulsError: if something outside the DAG runs fails; it carries the exit code.
    """
    clocked = _Clocked(say)
    options, home = _open(request, say)
    clocked(
        f"home {home.root}, origin {options.origin}" + (f", as of {options.as_of}" if options.as_of else "")
    )
    with runtime.build_stack(home, clocked) as stack:
        timings = stack.start("run", migrate=runtime.migrate_warehouse(home))
        clocked(
            "the stack is up: " + ", ".join(f"{part} {seconds:.1f} s" for part, seconds in timings.items())
        )
        outcome = _refresh(stack, clocked, list(SOURCES))
        stopping = time.monotonic()
    timings["stop"] = time.monotonic() - stopping
    output.print_seconds(timings, outcome.seconds, clocked.seconds)
    if options.notice:
        output.say_loudly(options.notice, say)
    return outcome.exit_code


def start_and_leave(request: RunRequest, say: Say) -> None:
    """Start the stack and leave it running; print the addresses of its pages.

    Args:
        request: As for :func:`run_once`.
        say: Prints a line.
    """
    clocked = _Clocked(say)
    _, home = _open(request, say)
    stack = runtime.build_stack(home, clocked)
    stack.start("up", migrate=runtime.migrate_warehouse(home))
    stack.detach()
    clocked(f"up, in {home.root}")
    output.print_addresses(stack)


def _open(request: RunRequest, say: Say) -> tuple[RunOptions, Home]:
    """Check the settings and open the state directory of a run, with its notice printed."""
    check_settings(os.environ)
    options = resolve(request, runtime.PROJECT, runtime.are_agencies_reachable)
    home = runtime.open_home(options)
    if options.notice:
        output.say_loudly(options.notice, say)
    return options, home


def refresh(home: Home, say: Say) -> int:
    """Refresh every source on the running stack, or on one started for this; returns the exit code."""
    clocked = _Clocked(say)
    with _running(home, clocked, "refresh") as stack:
        return _refresh(stack, clocked, list(SOURCES)).exit_code


def ingest_file(home: Home, given: RecognisedFile, say: Say) -> int:
    """Keep the bytes of a source's file and send them through its ingest DAG; returns the exit code.

    Returns:
        The exit code of the refresh. If this version of the parser has refused the file before: 5, and the
        reason is printed.

    Raises:
        WrongHomeError: if its figures are synthetic and the state directory's are not, or vice versa.
    """
    from klimatpuls.pipeline.snapshot import keep_recognised

    clocked = _Clocked(say)
    _check_origin(home, given)
    with _running(home, clocked, "ingest") as stack:
        kept = keep_recognised(given, runtime.run_context(home, stack.as_of))
        clocked(f"kept {given.name}: {kept.dataset} {kept.substance or ''} ({kept.sha256[:8]})")
        conf = {"manifest_path": kept.manifest_path}
        outcome = _refresh(stack, clocked, [kept.source], conf)
        refused = [line for line in _refusals(stack, source(kept.source)) if kept.sha256[:8] in line]
    if outcome.exit_code != EXIT_DONE or not refused:
        return outcome.exit_code
    for line in refused:
        say(line)
    return EXIT_QUARANTINE


def fetch_source(home: Home, source_id: str, say: Say) -> int:
    """Run the ingest DAG of one source on the running stack, or on one started for this.

    Returns:
        The exit code of the refresh.

    Raises:
        UsageError: if the catalogue has no such source.
    """
    clocked = _Clocked(say)
    entry = source(source_id)
    with _running(home, clocked, "source fetch") as stack:
        return _refresh(stack, clocked, [entry.id]).exit_code


def retry_source(home: Home, source_id: str, say: Say) -> int:
    """Parse the refused files of a source again, without asking its agency; returns the exit code.

    Returns:
        5 if a file is refused again (each is named with its reason), else the exit code of the refresh.

    Raises:
        UsageError: if the catalogue has no such source.
    """
    clocked = _Clocked(say)
    entry = source(source_id)
    with _running(home, clocked, "source retry") as stack:
        outcome = _refresh(stack, clocked, [entry.id], {"retry_refused": True})
        refused = _refusals(stack, entry)
    for line in refused:
        say(line)
    return EXIT_QUARANTINE if refused else outcome.exit_code


def backfill(home: Home, source_id: str, kept_as_of: date, say: Say) -> int:
    """Send the files of a source that were kept by a day through its ingest DAG; returns the exit code.

    Raises:
        UsageError: if the catalogue has no such source.
    """
    clocked = _Clocked(say)
    entry = source(source_id)
    with _running(home, clocked, "backfill") as stack:
        return _refresh(stack, clocked, [entry.id], {"kept_as_of": kept_as_of.isoformat()}).exit_code


def _refusals(stack: Stack, entry: Source) -> tuple[str, ...]:
    """The kept files of a source that are refused, one line each with the reason."""
    from klimatpuls.pipeline.snapshot import read_refusals
    from klimatpuls.warehouse.connection import connect

    with closing(connect(runtime.warehouse_dsn(stack, "wh_loader"))) as conn:
        return read_refusals(conn, entry)


def _refresh(
    stack: Stack, say: Say, sources: Sequence[str], conf: Mapping[str, Any] | None = None
) -> Outcome:
    """One refresh of a running stack, with its summary printed."""
    from klimatpuls.local.refresh import Refresh

    outcome = Refresh(stack, say).run(sources, conf)
    output.print_summary(stack, outcome)
    return outcome


def _check_origin(home: Home, given: RecognisedFile) -> None:
    """Refuse to mix synthetic and other figures."""
    origin = home.config.origin
    if given.is_synthetic and origin != "synthetic":
        message = f"{given.name} holds SYNTHETIC figures, and {home.root} figures of origin {origin}"
    elif origin == "synthetic" and not given.is_synthetic:
        message = f"{given.name} is not marked as synthetic, and {home.root} holds synthetic figures only"
    else:
        return
    raise WrongHomeError(
        f"{message}; nothing was kept. Name another home with --home or KLIMATPULS_HOME "
        "(`make run SOURCES=live` makes one for real figures, ./var/live)."
    )


UNPUBLISHED: Final[Mapping[Action, str]] = {"reject": "rejected", "hold": "on hold"}
"""Decisions that publish nothing, and the state of the release afterwards."""


def publish(home: Home, say: Say) -> int:
    """Publish what is pending, and retry tables that could not be calculated; returns the exit code."""
    from klimatpuls.local.refresh import Refresh

    clocked = _Clocked(say)
    with _running(home, clocked, "publish") as stack:
        outcome = Refresh(stack, clocked).publish()
        output.print_summary(stack, outcome)
    return outcome.exit_code


def decide(
    home: Home, release_id: str, action: Action, reason: str, say: Say, *, is_older: bool = False
) -> int:
    """Decide on a release, and publish what that changes; returns the exit code.

    ``is_older`` approves it as the older of two releases of one day.

    Raises:
        UsageError: if the release is not in the state the action needs.
    """
    clocked = _Clocked(say)
    if action in UNPUBLISHED:
        with runtime.database(home) as stack:
            _decide(stack, release_id, action, reason)
        clocked(f"{release_id} is {UNPUBLISHED[action]}; what is published stays as it is")
        return EXIT_DONE
    with _running(home, clocked, f"release {action}") as stack:
        _decide(stack, release_id, action, reason, is_older=is_older)
        clocked(f"{release_id}: {action} is recorded; publishing")
        outcome = _refresh(stack, clocked, [])
    return outcome.exit_code


def _decide(stack: Stack, release_id: str, action: Action, reason: str, *, is_older: bool = False) -> None:
    from klimatpuls.pipeline.approval import decide_release
    from klimatpuls.warehouse.connection import connect

    context = runtime.run_context(stack.home, stack.as_of)
    with closing(connect(runtime.warehouse_dsn(stack, "wh_loader"))) as conn:
        decide_release(
            conn,
            release_id,
            action=action,
            decided_by="operator",
            reason=reason,
            now=context.now,
            is_older=is_older,
        )


@contextmanager
def _running(home: Home, say: Say, purpose: str) -> Iterator[Stack]:
    """The running stack, or one started for this block."""
    running = runtime.attach(home)
    if running is not None:
        yield running
        return
    check_settings(os.environ)
    with runtime.build_stack(home, say) as stack:
        stack.start(purpose, migrate=runtime.migrate_warehouse(home))
        say("the stack is up")
        yield stack
