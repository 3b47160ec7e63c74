"""The supervisor: one process that owns every service of a local stack and stops them all.

A command starts it and sends it requests over a socket, one JSON object per line. It stops every service on
request, on SIGTERM, SIGINT or SIGHUP, and when the socket closes because the command crashed or was killed.
Only after ``detach`` (``make up``) does it run without a command. On Linux it adopts orphans, so that no
grandchild escapes, and the kernel signals its children if it is killed itself.

Requests: ``{"do": "start", "service": {…}}``, ``{"do": "detach"}``, ``{"do": "shutdown"}``.
Events: ``{"event": "started", "name", "pid"}``, ``{"event": "failed", "name", "error"}``,
``{"event": "exited", "name", "code"}``, ``{"event": "detached"}``.
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

PHASE_WORK, PHASE_HELPERS, PHASE_DATABASE = 0, 1, 2
"""Order in which services stop: those that use others first, PostgreSQL after every other process."""
LOG_LIMIT = 10 * 1024 * 1024
"""Bytes after which a service's log is rotated at its next start."""
STATE_FILE = "supervisor.json"
ADDRESS_FILE = "addresses.json"


@dataclass(frozen=True)
class Service:
    """One process to run.

    Attributes:
        name: Unique among the running ones.
        argv: Command line.
        env: Its whole environment; the supervisor adds the marker of the state directory.
        log: File its output is appended to.
        phase: When it is stopped, see the ``PHASE_`` constants.
        stop_signal: Name of the signal that stops it.
        patience: Seconds between that signal and SIGKILL.
        uid: User to become, ``None`` to stay.
        cwd: Working folder.
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


class Supervisor:
    """The supervisor's loop.

    Args:
        root: Resolved path of the state directory.
        control: Socket to the command that started it.
    """

    def __init__(self, root: Path, control: socket.socket) -> None:
        self.root = root
        self.control: socket.socket | None = control
        self.services: dict[int, Service] = {}  # by process id
        self.is_detached = False
        self.is_stopping = False
        self._received = b""
        self._wake, self._wake_end = socket.socketpair()
        for end in (self._wake, self._wake_end):
            end.setblocking(False)

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
            case {"do": "start", "service": dict(service)}:
                self.start(Service(**service))
            case {"do": "detach"}:
                self.is_detached = True
                self._save()
                self._report({"event": "detached"})
            case {"do": "shutdown"}:
                self.is_stopping = True

    def start(self, service: Service) -> None:
        """Start a service in its own process group, or report why that is impossible."""
        stop_signal = getattr(signal, service.stop_signal)
        log_file = Path(service.log)
        try:
            if log_file.exists() and log_file.stat().st_size > LOG_LIMIT:
                log_file.replace(f"{log_file}.1")
            with log_file.open("ab") as log:
                child = subprocess.Popen(
                    service.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Without SPT_NOENV, setproctitle would overwrite the environment and with it the marker.
                    env={**service.env, processes.MARKER: str(self.root), "SPT_NOENV": "1"},
                    cwd=service.cwd,
                    process_group=0,
                    user=service.uid,
                    extra_groups=None if service.uid is None else [],
                    preexec_fn=lambda: processes.die_with_parent(stop_signal),
                )
        except OSError as error:
            self._report({"event": "failed", "name": service.name, "error": str(error)})
            return
        child.returncode = 0  # reap() waits for every child, adopted ones included
        self.services[child.pid] = service
        self._save()
        _log(f"{service.name} (process {child.pid}) started")
        self._report({"event": "started", "name": service.name, "pid": child.pid})

    def reap(self) -> None:
        """Collect ended children, adopted ones included, and report the services among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if service := self.services.pop(pid, None):
                code = os.waitstatus_to_exitcode(status)
                _log(f"{service.name} (process {pid}) ended with {code}")
                self._save()
                self._report({"event": "exited", "name": service.name, "code": code})

    def stop_all(self) -> None:
        """End every service phase by phase, then every other descendant, the database last."""
        _log("stopping")
        for phase in (PHASE_WORK, PHASE_HELPERS):
            self._stop_phase(phase)
        databases = {pid for pid, service in self.services.items() if service.phase == PHASE_DATABASE}
        self._kill_rest(databases.union(*map(processes.descendants, databases)))
        self._stop_phase(PHASE_DATABASE)
        self._kill_rest(set())
        for name in (STATE_FILE, ADDRESS_FILE):
            (self.root / "run" / name).unlink(missing_ok=True)

    def _stop_phase(self, phase: int) -> None:
        group = {pid: service for pid, service in self.services.items() if service.phase == phase}
        for pid, service in group.items():
            # PostgreSQL's postmaster signals its children itself.
            signal_process = os.kill if phase == PHASE_DATABASE else os.killpg
            with contextlib.suppress(ProcessLookupError):
                signal_process(pid, getattr(signal, service.stop_signal))
        begun = time.monotonic()
        killed: set[int] = set()
        while left := group.keys() & self.services.keys():
            for pid in left - killed:
                if time.monotonic() > begun + group[pid].patience:
                    service = group[pid]
                    killed.add(pid)
                    _log(f"{service.name} did not end within {service.patience:.0f} s: killed")
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGKILL)
            time.sleep(0.02)
            self.reap()

    def _kill_rest(self, kept: set[int]) -> None:
        while True:
            self.reap()
            left = processes.descendants(os.getpid()) - kept
            if not left:
                return
            processes.send(left, signal.SIGKILL)
            time.sleep(0.02)

    def _save(self) -> None:
        content = {
            "pid": os.getpid(),
            "started": processes.start_time(os.getpid()),
            "detached": self.is_detached,
            "services": {service.name: pid for pid, service in self.services.items()},
        }
        write_json(self.root / "run" / STATE_FILE, content)

    def _report(self, event: dict[str, Any]) -> None:
        if self.control is None:
            return
        with contextlib.suppress(OSError):  # the command is gone; reading the socket will show it
            self.control.sendall(json.dumps(event).encode() + b"\n")


def _log(line: str) -> None:
    """Write a line to standard output, which is the supervisor's log."""
    sys.stdout.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run the supervisor as a program until everything is stopped."""
    parser = argparse.ArgumentParser(prog="klimatpuls.local.supervisor")
    parser.add_argument("--home", type=Path, required=True, help="state directory")
    parser.add_argument("--control", type=int, required=True, help="descriptor of the socket to the command")
    parser.add_argument("--lock", type=int, required=True, help="descriptor of the lock, held to the end")
    options = parser.parse_args()
    for descriptor in (options.control, options.lock):
        os.set_inheritable(descriptor, False)
    Supervisor(options.home, socket.socket(fileno=options.control)).run()


if __name__ == "__main__":
    main()
