"""The warden: one process that owns every service of an embedded stack and ends with none left behind.

It is started by a command and told over a socket what to run (one JSON object per line). It stops
everything when it is asked to, on SIGTERM, SIGINT or SIGHUP, and when the socket closes because the
command crashed or was killed; only after ``detach`` (``make up``) does it go on alone. On Linux it adopts
orphans, so that no grandchild escapes, and its children are signalled when it is itself killed.

Requests: ``{"do": "start", "service": {…}}``, ``{"do": "adopt", "service": {…}, "pid": …}`` for an orphan of
a process it started, ``{"do": "stop", "name": …}``, ``{"do": "detach"}``,
``{"do": "shutdown"}``. Events: ``{"event": "started", "name", "pid"}``, ``{"event": "failed", "name",
"error"}``, ``{"event": "exited", "name", "code"}``, ``{"event": "detached"}``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from klimatpuls.local import processes
from klimatpuls.local.home import write_json

PHASE_WORK = 0
"""Services that use the others: stopped first."""
PHASE_HELPERS = 1
"""Mail catcher, replica."""
PHASE_DATABASE = 2
"""PostgreSQL: stopped last, after every other process is gone."""

LOG_LIMIT = 10 * 1024 * 1024
"""Bytes after which a service's log is set aside at its next start."""

STATE_FILE = "warden.json"
ADDRESS_FILE = "addresses.json"


@dataclass(frozen=True)
class Service:
    """One process to run.

    Attributes:
        name: Unique among the running ones.
        argv: Command line.
        env: Its whole environment; the warden adds the mark of the home.
        log: File its output is appended to.
        phase: When it is stopped, see the ``PHASE_`` constants.
        stop_signal: Name of the signal that asks it to end.
        patience: Seconds between that signal and SIGKILL.
        uid: User to become, ``None`` to stay.
        cwd: Working folder.
        preload: Modules that a forked service imports before it begins.
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    log: str
    phase: int = PHASE_WORK
    stop_signal: str = "SIGTERM"
    patience: float = 10.0
    uid: int | None = None
    cwd: str = "/"
    preload: tuple[str, ...] = ()


@dataclass
class _Running:
    service: Service
    pid: int


class Warden:
    """The supervisor's loop.

    Args:
        root: Resolved path of the home.
        control: Socket to the command that started it.
    """

    def __init__(self, root: Path, control: socket.socket) -> None:
        self.root = root
        self.control: socket.socket | None = control
        self.services: dict[str, _Running] = {}
        self.is_detached = False
        self.is_stopping = False
        self._received = b""
        self._state = root / "run" / STATE_FILE
        self._wake, wake_end = socket.socketpair()
        for end in (self._wake, wake_end):
            end.setblocking(False)
        self._wake_end = wake_end

    def run(self) -> None:
        """Serve requests until it is time to stop, then stop everything and remove the run files."""
        processes.adopt_orphans()
        signal.set_wakeup_fd(self._wake_end.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._save()
        while not self.is_stopping:
            watched = [self._wake] + ([self.control] if self.control else [])
            readable, _, _ = select.select(watched, [], [])
            if self._wake in readable:
                with contextlib.suppress(BlockingIOError):
                    self._wake.recv(4096)
            self.reap()
            if self.control in readable:
                self._read()
        self.stop_all()

    def _ask_to_stop(self, *_: object) -> None:
        self.is_stopping = True

    def _read(self) -> None:
        if self.control is None:
            return
        try:
            chunk = self.control.recv(65_536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            self.control.close()
            self.control = None
            self.is_stopping = self.is_stopping or not self.is_detached
            return
        *lines, self._received = (self._received + chunk).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))

    def _obey(self, request: dict[str, Any]) -> None:
        match request:
            case {"do": "start", "service": dict(given)}:
                self.start(_service(given))
            case {"do": "adopt", "service": dict(given), "pid": int(pid)}:
                self.adopt(_service(given), pid)
            case {"do": "stop", "name": str(name)}:
                self._stop_phase([self.services[name]] if name in self.services else [])
            case {"do": "detach"}:
                self.is_detached = True
                self._save()
                self._tell({"event": "detached"})
            case {"do": "shutdown"}:
                self.is_stopping = True

    def start(self, service: Service) -> None:
        """Start a service in its own process group, or tell why that was impossible.

        Args:
            service: What to run.
        """
        dying = getattr(signal, service.stop_signal)
        environment = {**service.env, processes.MARKER: str(self.root), "SPT_NOENV": "1"}
        try:
            _rotate(Path(service.log))
            with Path(service.log).open("ab") as log:
                child = subprocess.Popen(
                    service.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    cwd=service.cwd,
                    process_group=0,
                    user=service.uid,
                    extra_groups=None if service.uid is None else [],
                    preexec_fn=lambda: processes.die_with_parent(dying),
                )
        except OSError as error:
            self._tell({"event": "failed", "name": service.name, "error": str(error)})
            return
        child.returncode = 0  # reaped by reap(), which waits for every child
        self._take_on(service, child.pid)

    def adopt(self, service: Service, pid: int) -> None:
        """Take on a child that another service forked before it ended, or tell that it is none.

        Args:
            service: What it is; command line and environment are not used.
            pid: Its process id.
        """
        if pid in processes.children(os.getpid()):
            self._take_on(service, pid)
        else:
            self._tell({"event": "failed", "name": service.name, "error": f"process {pid} is gone"})

    def _take_on(self, service: Service, pid: int) -> None:
        self.services[service.name] = _Running(service, pid)
        self._save()
        _log(f"{service.name} (process {pid}) started")
        self._tell({"event": "started", "name": service.name, "pid": pid})

    def reap(self) -> None:
        """Collect ended children, adopted ones included, and report the services among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for name, running in list(self.services.items()):
                if running.pid == pid:
                    del self.services[name]
                    code = os.waitstatus_to_exitcode(status)
                    _log(f"{name} (process {pid}) ended with {code}")
                    self._save()
                    self._tell({"event": "exited", "name": name, "code": code})

    def stop_all(self) -> None:
        """End every service phase by phase, then whatever is left below the warden, the database last."""
        _log("stopping")
        for phase in (PHASE_WORK, PHASE_HELPERS):
            self._stop_phase([each for each in self.services.values() if each.service.phase == phase])
        databases = [each for each in self.services.values() if each.service.phase == PHASE_DATABASE]
        kept = {pid for each in databases for pid in (each.pid, *processes.descendants(each.pid))}
        self._kill_rest(kept)
        self._stop_phase(databases)
        self._kill_rest(set())
        for name in (STATE_FILE, ADDRESS_FILE):
            (self.root / "run" / name).unlink(missing_ok=True)

    def _stop_phase(self, group: list[_Running]) -> None:
        for each in group:
            number = getattr(signal, each.service.stop_signal)
            with contextlib.suppress(ProcessLookupError):
                if each.service.phase == PHASE_DATABASE:
                    os.kill(each.pid, number)
                else:
                    os.killpg(each.pid, number)
        begun = time.monotonic()
        killed: set[int] = set()
        while left := [each for each in group if self._is_here(each)]:
            for each in left:
                if each.pid not in killed and time.monotonic() > begun + each.service.patience:
                    _log(f"{each.service.name} did not end within {each.service.patience:.0f} s: killed")
                    killed.add(each.pid)
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(each.pid, signal.SIGKILL)
            time.sleep(0.02)
            self.reap()

    def _is_here(self, each: _Running) -> bool:
        return self.services.get(each.service.name) is each

    def _kill_rest(self, kept: set[int]) -> None:
        while True:
            self.reap()
            left = processes.descendants(os.getpid()) - kept
            if not left:
                return
            processes.send(left, signal.SIGKILL)
            time.sleep(0.02)

    def _save(self) -> None:
        own = os.getpid()
        content = {
            "pid": own,
            "ticks": processes.start_ticks(own),
            "detached": self.is_detached,
            "services": {name: running.pid for name, running in self.services.items()},
        }
        write_json(self._state, content)

    def _tell(self, event: dict[str, Any]) -> None:
        if self.control is None:
            return
        try:
            self.control.sendall(json.dumps(event).encode() + b"\n")
        except OSError:  # the command is gone; reading the socket will show it
            return


def _service(given: dict[str, Any]) -> Service:
    """A service as it came over the wire, where a tuple is a list."""
    return Service(**{**given, "argv": tuple(given["argv"]), "preload": tuple(given["preload"])})


def _rotate(log: Path) -> None:
    """Set a long log aside, in the place of the one set aside before."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_name(f"{log.name}.1"))


def _log(line: str) -> None:
    """Write to the warden's output, which is its log."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stdout.write(f"{moment} {line}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run the warden as a program.

    Args:
        arguments: Command line, ``sys.argv[1:]`` when left out.

    Returns:
        0 when everything was stopped.
    """
    parser = argparse.ArgumentParser(prog="klimatpuls.local.supervisor")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--control", type=int, required=True, help="descriptor of the socket to the command")
    parser.add_argument(
        "--lock", type=int, required=True, help="descriptor of the home's lock, held to the end"
    )
    given = parser.parse_args(arguments)
    for descriptor in (given.control, given.lock):
        os.set_inheritable(descriptor, False)
    Warden(given.home, socket.socket(fileno=given.control)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
