"""The command's end of the wire to its warden (:mod:`klimatpuls.local.supervisor`)."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klimatpuls.errors import KlimatpulsError
from klimatpuls.local import processes
from klimatpuls.local.home import read_json
from klimatpuls.local.postgres import tail
from klimatpuls.local.supervisor import STATE_FILE

if TYPE_CHECKING:
    from klimatpuls.local.home import Home, HomeLock
    from klimatpuls.local.supervisor import Service


class StackError(KlimatpulsError):
    """A service of the embedded stack did not start, or ended by itself."""


class Control:
    """Starts a warden for a home and gives it orders.

    Args:
        home: The home.
        lock: Its lock, which the warden holds on to until everything is stopped.
    """

    def __init__(self, home: Home, lock: HomeLock) -> None:
        self.home = home
        own, other = socket.socketpair()
        with (home.logs / "warden.log").open("ab") as log:
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
        self._socket = own
        self._changed = threading.Condition()
        self._pids: dict[str, int] = {}
        self._codes: dict[str, int | str] = {}
        self._logs: dict[str, str] = {}
        self._is_detached = False
        self._is_closed = False
        threading.Thread(target=self._listen, name="warden", daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id of the warden."""
        return self._process.pid

    def start(self, service: Service) -> int:
        """Start a service.

        Args:
            service: What to run.

        Returns:
            Its process id.

        Raises:
            StackError: if it cannot be started.
        """
        return self._order_service({"do": "start"}, service)

    def adopt(self, service: Service, pid: int) -> int:
        """Have the warden take on a process that a service it started forked before it ended.

        Args:
            service: What it is.
            pid: Its process id.

        Returns:
            The process id.

        Raises:
            StackError: if it ended meanwhile, with the end of its log.
        """
        try:
            return self._order_service({"do": "adopt", "pid": pid}, service)
        except StackError as error:
            message = f"{error}; the end of {service.log}:\n{tail(Path(service.log))}"
            raise StackError(message) from None

    def _order_service(self, order: dict[str, Any], service: Service) -> int:
        with self._changed:
            self._codes.pop(service.name, None)
            self._pids.pop(service.name, None)
            self._logs[service.name] = service.log
            self._order({**order, "service": asdict(service)})
            self._changed.wait_for(
                lambda: service.name in self._pids or service.name in self._codes or self._is_closed, 30
            )
            if service.name not in self._pids:
                message = (
                    f"{service.name} could not be started: {self._codes.get(service.name, 'warden gone')}"
                )
                raise StackError(message)
            return self._pids[service.name]

    def is_running(self, name: str) -> bool:
        """Tell whether a started service still runs.

        Args:
            name: Its name.
        """
        with self._changed:
            return name in self._pids and name not in self._codes and not self._is_closed

    def check(self) -> None:
        """Raise when a service ended by itself.

        Raises:
            StackError: naming the service, its exit code and the end of its log.
        """
        with self._changed:
            codes = {name: code for name, code in self._codes.items() if code != 0}
            is_closed = self._is_closed
        for name, code in codes.items():
            raise StackError(self._obituary(name, code))
        if is_closed:
            message = f"the warden ended; see {self.home.logs / 'warden.log'}"
            raise StackError(message)

    def wait(self, name: str, patience: float) -> None:
        """Wait for a job to end well.

        Args:
            name: Name of a started service that ends by itself.
            patience: Seconds.

        Raises:
            StackError: if it fails or takes longer.
        """
        with self._changed:
            self._changed.wait_for(lambda: name in self._codes or self._is_closed, patience)
            code = self._codes.get(name, "did not end in time")
        if code != 0:
            raise StackError(self._obituary(name, code))

    def stop(self, name: str, patience: float = 30.0) -> None:
        """Stop one service and wait for it.

        Args:
            name: Its name; one that does not run is passed over.
            patience: Seconds to wait for the warden's report.
        """
        with self._changed:
            if name not in self._pids or name in self._codes:
                return
            self._order({"do": "stop", "name": name})
            self._changed.wait_for(lambda: name in self._codes or self._is_closed, patience)
            self._codes.pop(name, None)
            self._pids.pop(name, None)

    def detach(self) -> None:
        """Let the warden go on without this command.

        Raises:
            StackError: if it does not answer.
        """
        with self._changed:
            self._order({"do": "detach"})
            self._changed.wait_for(lambda: self._is_detached or self._is_closed, 10)
            if not self._is_detached:
                message = f"the warden did not answer; see {self.home.logs / 'warden.log'}"
                raise StackError(message)
        self._socket.close()

    def shutdown(self, patience: float = 120.0) -> None:
        """Stop every service and the warden, and wait until they are gone.

        Args:
            patience: Seconds before the warden itself is killed and its leftovers swept.
        """
        self._order({"do": "shutdown"})
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.close()

    def _order(self, request: dict[str, Any]) -> None:
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError:  # the warden is gone, which the listener notes
            return

    def _listen(self) -> None:
        try:
            with self._socket.makefile("r", encoding="utf-8") as lines:
                for line in lines:
                    self._note(json.loads(line))
        except (OSError, ValueError):  # the socket was closed under the reader
            pass
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _note(self, event: dict[str, Any]) -> None:
        with self._changed:
            match event:
                case {"event": "started", "name": str(name), "pid": int(pid)}:
                    self._pids[name] = pid
                case {"event": "exited", "name": str(name), "code": int(code)}:
                    self._codes[name] = code
                case {"event": "failed", "name": str(name), "error": str(error)}:
                    self._codes[name] = error
                case {"event": "detached"}:
                    self._is_detached = True
            self._changed.notify_all()

    def _obituary(self, name: str, code: int | str) -> str:
        log = Path(self._logs.get(name, ""))
        what = f"ended with {code}" if isinstance(code, int) else code
        return f"{name} {what}; the end of {log}:\n{tail(log)}"


def running_warden(home: Home) -> int | None:
    """Return the process id of the home's warden, ``None`` when there is none.

    Args:
        home: The home; a stale process file, also one whose number went to somebody else, counts as none.
    """
    state = read_json(home.run / STATE_FILE)
    pid, ticks = state.get("pid"), state.get("ticks")
    if isinstance(pid, int) and isinstance(ticks, int) and processes.is_alive(pid, ticks):
        return pid
    return None


def stop_running(home: Home, cluster: Path | None = None, patience: float = 120.0) -> bool:
    """Stop the stack a detached warden of this home owns, and wait until no process is left.

    Args:
        home: The home.
        cluster: Data folder of its PostgreSQL, when it has one.
        patience: Seconds before the warden is killed and its leftovers swept.

    Returns:
        False when nothing ran.
    """
    pid = running_warden(home)
    if pid is not None:
        ticks = processes.start_ticks(pid)
        processes.send([pid], signal.SIGTERM)
        deadline = time.monotonic() + patience
        while processes.is_alive(pid, ticks) and time.monotonic() < deadline:
            time.sleep(0.05)
        if processes.is_alive(pid, ticks):
            processes.send([pid], signal.SIGKILL)
    return processes.sweep(home.root, cluster) > 0 or pid is not None
