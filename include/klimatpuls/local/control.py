"""The command's end of the socket to its supervisor (:mod:`klimatpuls.local.supervisor`)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from klimatpuls.errors import KlimatpulsError
from klimatpuls.local import processes
from klimatpuls.local.home import read_json
from klimatpuls.local.postgres import tail
from klimatpuls.local.supervisor import STATE_FILE

if TYPE_CHECKING:
    from klimatpuls.local.home import Home, HomeLock
    from klimatpuls.local.supervisor import Service

OLD_STATE_FILE = "warden.json"
"""State file of a stack that a version before 0.1.0 left running."""


class StackError(KlimatpulsError):
    """A service of the local stack did not start, or ended unexpectedly."""


class Control:
    """Starts a supervisor for a state directory and sends it requests.

    Args:
        home: State directory.
        lock: Its lock; the supervisor holds it until everything is stopped.
    """

    def __init__(self, home: Home, lock: HomeLock) -> None:
        self.log = home.logs / "supervisor.log"
        self._socket, other = socket.socketpair()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "klimatpuls.local.supervisor",
                    f"--home={home.root}",
                    f"--control={other.fileno()}",
                    f"--lock={lock.fileno()}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(other.fileno(), lock.fileno()),
                start_new_session=True,
                cwd="/",
            )
        other.close()
        self.pid = self._process.pid
        self._changed = threading.Condition()
        self._pids: dict[str, int] = {}
        self._results: dict[str, int | str] = {}  # exit code, or why the service could not be started
        self._logs: dict[str, str] = {}
        self._is_detached = False
        self._is_closed = False
        threading.Thread(target=self._listen, name="supervisor", daemon=True).start()

    def start(self, service: Service) -> None:
        """Start a service.

        Raises:
            StackError: if it cannot be started.
        """
        name = service.name
        with self._changed:
            self._results.pop(name, None)
            self._pids.pop(name, None)
            self._logs[name] = service.log
            self._send({"do": "start", "service": asdict(service)})
            self._wait(lambda: name in self._pids or name in self._results, 30)
            if name not in self._pids:
                reason = self._results.get(name, "the supervisor is gone")
                raise StackError(f"{name} could not be started: {reason}")

    def is_running(self, name: str) -> bool:
        """Return whether a started service still runs."""
        with self._changed:
            return name in self._pids and name not in self._results and not self._is_closed

    def check(self) -> None:
        """Raise if a service ended unexpectedly.

        Raises:
            StackError: naming the service, its exit code and the end of its log.
        """
        with self._changed:
            failed = [(name, result) for name, result in self._results.items() if result != 0]
            is_closed = self._is_closed
        for name, result in failed:
            raise self._failure(name, result)
        if is_closed:
            raise StackError(f"the supervisor ended; see {self.log}")

    def wait(self, name: str, patience: float) -> None:
        """Wait for a started service that ends by itself.

        Raises:
            StackError: if it fails, or does not end within ``patience`` seconds.
        """
        with self._changed:
            self._wait(lambda: name in self._results, patience)
            result = self._results.get(name, "did not end in time")
        if result != 0:
            raise self._failure(name, result)

    def detach(self) -> None:
        """Let the supervisor run on after this command.

        Raises:
            StackError: if it does not answer.
        """
        with self._changed:
            self._send({"do": "detach"})
            self._wait(lambda: self._is_detached, 10)
            if not self._is_detached:
                raise StackError(f"the supervisor did not answer; see {self.log}")
        self._socket.close()

    def shutdown(self, patience: float = 120.0) -> None:
        """Stop every service and the supervisor; kill the supervisor after ``patience`` seconds."""
        self._send({"do": "shutdown"})
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.close()

    def _send(self, request: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # the supervisor is gone, which the listener notes
            self._socket.sendall(json.dumps(request).encode() + b"\n")

    def _wait(self, is_done: Any, patience: float) -> None:
        self._changed.wait_for(lambda: is_done() or self._is_closed, patience)

    def _listen(self) -> None:
        # ValueError: the socket was closed under the reader.
        with contextlib.suppress(OSError, ValueError), self._socket.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                self._note(json.loads(line))
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _note(self, event: dict[str, Any]) -> None:
        with self._changed:
            match event:
                case {"event": "started", "name": str(name), "pid": int(pid)}:
                    self._pids[name] = pid
                case {"event": "exited", "name": str(name), "code": int(result)}:
                    self._results[name] = result
                case {"event": "failed", "name": str(name), "error": str(reason)}:
                    self._results[name] = reason
                case {"event": "detached"}:
                    self._is_detached = True
            self._changed.notify_all()

    def _failure(self, name: str, result: int | str) -> StackError:
        log = Path(self._logs.get(name, ""))
        what = f"ended with {result}" if isinstance(result, int) else result
        return StackError(f"{name} {what}; the end of {log}:\n{tail(log)}")


def running_supervisor(home: Home) -> int | None:
    """Return the process id of the supervisor of a state directory, ``None`` if none runs.

    A state file whose process has ended counts as none, also if its process id was reused.
    """
    state = read_json(home.run / STATE_FILE) or read_json(home.run / OLD_STATE_FILE)
    pid, started = state.get("pid"), state.get("started")
    if "ticks" in state:  # since boot, as versions before 0.1.0 wrote it
        started = psutil.boot_time() + state["ticks"] / os.sysconf("SC_CLK_TCK")
    if isinstance(pid, int) and isinstance(started, float) and processes.is_alive(pid, started):
        return pid
    return None


def stop_running(home: Home, cluster: Path | None = None, patience: float = 120.0) -> bool:
    """Stop the stack that a detached supervisor runs, and wait until no process is left.

    Args:
        home: State directory.
        cluster: Data folder of its PostgreSQL, if it has one.
        patience: Seconds before the supervisor is killed and its services are swept.

    Returns:
        False if nothing ran.
    """
    pid = running_supervisor(home)
    if pid is not None:
        started = processes.start_time(pid)
        processes.send([pid], signal.SIGTERM)
        deadline = time.monotonic() + patience
        while processes.is_alive(pid, started) and time.monotonic() < deadline:
            time.sleep(0.05)
        if processes.is_alive(pid, started):
            processes.send([pid], signal.SIGKILL)
    return processes.sweep(home.root, cluster) > 0 or pid is not None
