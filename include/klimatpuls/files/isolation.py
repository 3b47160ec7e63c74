"""Runs a function on untrusted bytes in a child process with resource limits.

A spreadsheet reader in native code can abort its process, exhaust the memory, or never end. So untrusted
bytes are read in a child process with ceilings on memory, processor time, time and output. Every failure of
the child becomes a :class:`klimatpuls.errors.SourceFormatError`, which is a verdict on the file.

Each calling process starts one *server* process: a new interpreter, never a fork, since the caller may have
threads. The server imports what the functions need and forks itself once per call, so a call costs
milliseconds and sees no memory of another call. When the caller ends, the connection closes;
then the server ends and kills a running child.

Results are pickled. Only plain values and classes of ``klimatpuls`` are unpickled.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import operator
import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from klimatpuls.errors import KlimatpulsError, SourceFormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MEBIBYTE: Final = 2**20
FAILED: Final = "reading_failed"
DIED: Final = "reading_died"
TOO_LONG: Final = "reading_too_long"
TOO_LARGE: Final = "reading_too_large"

REMEDY: Final = (
    "Nothing was loaded. Look at the file: if it is damaged, ask the publisher for another one; if it is "
    "sound, report this message, since the parser must learn to read it"
)

_EXCERPT: Final = 300
_SAFE_MODULES: Final = frozenset({"datetime", "decimal", "fractions", "pathlib"})
_SAFE_BUILTINS: Final = frozenset({"frozenset", "set", "bytearray"})

Returned = TypeVar("Returned")


class IsolationError(KlimatpulsError):
    """The child process could not be started or was lost: a fault of the machine, not of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """The resource limits of one call.

    Attributes:
        memory_bytes: Memory it may allocate beyond what its interpreter and libraries take.
        cpu_seconds: Seconds of processor time.
        seconds: Seconds of real time.
        output_bytes: Size of its pickled result, and of any file it writes.

    The largest real workbook (255 528 cells) takes 110 MiB, 2 s and 20 MB.
    """

    memory_bytes: int = 768 * MEBIBYTE
    cpu_seconds: int = 60
    seconds: float = 300.0
    output_bytes: int = 256 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a child ended."""

    signal: int
    code: int
    is_late: bool
    words: str
    answer: bytes


class Server:
    """A process that forks a child for every call; see the module docstring.

    Args:
        preload: Modules it imports at once, while its caller continues.
    """

    def __init__(self, preload: Sequence[str] = ()) -> None:
        self._caller, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "klimatpuls.files.isolation", str(theirs.fileno()), *preload],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                    # One thread, because the server forks; the system allocator, because memory is limited.
                    "OPENBLAS_NUM_THREADS": "1",
                    "OMP_NUM_THREADS": "1",
                    "ARROW_DEFAULT_MEMORY_POOL": "system",
                    "RUST_BACKTRACE": "0",
                },
            )
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the server still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the server and its running child."""
        self._caller.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def call(
        self,
        function: Callable[..., Returned],
        *arguments: object,
        what: str,
        ceilings: Ceilings | None = None,
    ) -> Returned:
        """Run a function in its own child process.

        Args:
            function: A function at the top of a module that can be imported by name.
            *arguments: Its arguments; they are pickled.
            what: Name of the file in messages, such as ``smhi_emissions ghg (file 1f3a90bc)``.
            ceilings: The resource limits.

        Returns:
            What the function returns: plain values and objects of classes of ``klimatpuls``.

        Raises:
            SourceFormatError: the function's own; or with the rule ``reading_failed`` (any other exception),
                ``reading_died`` (an abort, a crash), ``reading_too_long`` or ``reading_too_large``.
            KlimatpulsError: any other error of the project that the function raised, as it was raised.
            IsolationError: if no child could run it.
        """
        limits = ceilings or Ceilings()
        request = pickle.dumps((function.__module__, function.__qualname__, arguments, limits))
        with self._lock:
            ended = self._ask(request)
            if ended.signal == signal.SIGKILL and not ended.is_late:
                # Killed from outside: the machine was short of memory, or someone cleaned up. Try once more.
                ended = self._ask(request)
        return _outcome(ended, what, limits)  # type: ignore[no-any-return]

    def _ask(self, request: bytes) -> _Ended:
        try:
            self._caller.send_bytes(request)
            ended: _Ended = _Unpickler(io.BytesIO(self._caller.recv_bytes())).load()
        except (OSError, EOFError) as error:
            trouble = str(error) or "it closed the connection"
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
            msg = (
                f"the process that reads files is gone ({trouble}; exit code {self._process.poll()}). What "
                "was read before is kept; the next run starts another. Its last output is in this log."
            )
            raise IsolationError(msg) from error
        return ended


_servers: dict[int, Server] = {}


def server(*preload: str) -> Server:
    """The server of this process, started if there is none; it ends with this process.

    Args:
        *preload: Modules it imports at once if it is started now.
    """
    found = _servers.get(os.getpid())
    if found is None or not found.is_alive:
        # A fork inherits the entry of its parent, but that server is not its own.
        _servers.clear()
        found = _servers[os.getpid()] = Server(preload)
    return found


def run_isolated(
    function: Callable[..., Returned], *arguments: object, what: str, ceilings: Ceilings | None = None
) -> Returned:
    """Run a function in its own child process; see :meth:`Server.call`."""
    return server(function.__module__).call(function, *arguments, what=what, ceilings=ceilings)


@atexit.register
def _close_own() -> None:
    found = _servers.pop(os.getpid(), None)
    if found is not None:
        found.close()


# ---------------------------------------------------------------------------------------- the verdict


def _outcome(ended: _Ended, what: str, limits: Ceilings) -> Any:
    if ended.is_late:
        raise _refusal(
            what, TOO_LONG, f"reading it took longer than {limits.seconds:g} s and was stopped", ended.words
        )
    if ended.signal or ended.code or not ended.answer:
        raise _death(ended, what, limits)
    kind, *outcome = _Unpickler(io.BytesIO(ended.answer)).load()
    if kind == "value":
        return outcome[0]
    if kind == "error":
        raise outcome[0]
    name, message, place = outcome
    rule = TOO_LARGE if name == "MemoryError" else FAILED
    why = (
        f"reading it needs more than {limits.memory_bytes // MEBIBYTE} MiB of memory"
        if rule == TOO_LARGE
        else f"the parser ended with {name}: {message or 'no message'}"
    )
    raise _refusal(what, rule, f"{why} (in {place})", ended.words)


def _death(ended: _Ended, what: str, limits: Ceilings) -> SourceFormatError:
    if ended.signal in (signal.SIGXCPU, signal.SIGKILL) and "allocation" not in ended.words:
        if ended.signal == signal.SIGXCPU:
            return _refusal(
                what, TOO_LONG, f"reading it took more than {limits.cpu_seconds} s of processor time", ""
            )
        why = "the process that read it was killed twice (the machine may be short of memory)"
        return _refusal(what, DIED, why, ended.words)
    if "memory allocation" in ended.words or "MemoryError" in ended.words:
        why = f"reading it needs more than {limits.memory_bytes // MEBIBYTE} MiB of memory"
        return _refusal(what, TOO_LARGE, why, ended.words)
    if ended.signal == signal.SIGXFSZ:
        why = f"what it holds is larger than {limits.output_bytes // MEBIBYTE} MiB"
        return _refusal(what, TOO_LARGE, why, ended.words)
    if ended.signal:
        name = signal.Signals(ended.signal).name
        return _refusal(what, DIED, f"the process that read it died of {name}", ended.words)
    return _refusal(what, DIED, f"the process that read it ended with code {ended.code}", ended.words)


def _refusal(what: str, rule: str, why: str, words: str) -> SourceFormatError:
    lines = [line.strip() for line in words.splitlines() if not line.startswith("note: run with")]
    last = " | ".join(filter(None, lines))[-_EXCERPT:]
    ending = f" Its last output: {last}." if last else ""
    return SourceFormatError(f"{what}: {why}.{ending} {REMEDY}.", rule=rule, findings=[why])


class _Unpickler(pickle.Unpickler):
    """Unpickles plain values and objects of our own classes only."""

    def find_class(self, module: str, name: str) -> Any:
        is_ours = module == "klimatpuls" or module.startswith("klimatpuls.") or module == __name__
        if is_ours or module.split(".")[0] in _SAFE_MODULES:
            return super().find_class(module, name)
        if module == "builtins" and name in _SAFE_BUILTINS:
            return super().find_class(module, name)
        msg = f"a reading process may not hand back {module}.{name}"
        raise pickle.UnpicklingError(msg)


# ------------------------------------------------------------------------------------------ the server


def _serve(caller: Connection) -> None:
    with contextlib.suppress(EOFError):
        while True:
            module, name, arguments, limits = pickle.loads(caller.recv_bytes())  # noqa: S301 - our own caller
            function = operator.attrgetter(name)(importlib.import_module(module))
            ended = _run(function, arguments, limits, caller)
            if ended is None:
                return
            caller.send_bytes(pickle.dumps(ended))


def _run(
    function: Callable[..., object], arguments: Sequence[object], limits: Ceilings, caller: Connection
) -> _Ended | None:
    """Fork a child and wait for its end; None if the caller is gone: then the child is killed."""
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as words:
        ends, holds = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(ends)
            caller.close()
            _be_child(function, arguments, limits, answer, words)
        os.close(holds)
        try:
            woken = select.select([ends, caller.fileno()], [], [], limits.seconds)[0]
        finally:
            os.close(ends)
        is_late, is_orphan = not woken, caller.fileno() in woken
        if is_late or is_orphan:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if is_orphan:
            return None
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return _Ended(
            signal=killed,
            code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
            is_late=is_late,
            words=_read(words, last=4 * _EXCERPT).decode("utf-8", "replace"),
            answer=b"" if is_late or killed else _read(answer),
        )


def _read(file: IO[bytes], last: int | None = None) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - last) if last is not None else 0)
    return file.read()


# ------------------------------------------------------------------------------------------- the child


def _be_child(
    function: Callable[..., object],
    arguments: Sequence[object],
    limits: Ceilings,
    answer: IO[bytes],
    words: IO[bytes],
) -> NoReturn:
    """Run the function, write its outcome, and exit."""
    try:
        for stream in (1, 2):
            os.dup2(words.fileno(), stream)
        _set_limits(limits)
        try:
            outcome: tuple[object, ...] = ("value", function(*arguments))
        except BaseException as error:  # noqa: BLE001 - a panic of native code is no Exception
            outcome = _portable(error)
        pickle.dump(outcome, answer, protocol=5)
        answer.flush()
    except BaseException:  # noqa: BLE001 - whatever it is, it must not run the server's code
        os.write(2, traceback.format_exc()[-4 * _EXCERPT :].encode())
        os._exit(70)
    os._exit(0)


def _portable(error: BaseException) -> tuple[object, ...]:
    """An error in the form to send: the project's own as it is, any other as name, message and place."""
    if isinstance(error, KlimatpulsError):
        try:
            _Unpickler(io.BytesIO(pickle.dumps(error))).load()
        except (TypeError, AttributeError, pickle.PickleError):
            pass  # It cannot be unpickled at the other end; its message can.
        else:
            return "error", error
    return "failed", type(error).__name__, str(error)[:_EXCERPT], _place(error)


def _set_limits(limits: Ceilings) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.output_bytes, limits.output_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 5))
    data, whole = _in_use()
    if not whole:
        return
    # RLIMIT_DATA counts writable memory; RLIMIT_AS also counts reserved address space, hence twice as much.
    for kind, used in ((resource.RLIMIT_DATA, data), (resource.RLIMIT_AS, whole)):
        room = used + limits.memory_bytes * (1 if kind == resource.RLIMIT_DATA else 2)
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            room = min(room, hard)
        resource.setrlimit(kind, (room, room))


def _in_use() -> tuple[int, int]:
    """Bytes of data and of address space of this process; zeros on systems other than Linux.

    There time is still limited, memory only by the machine.
    """
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - called once per child
            pages = file.read().split()
    except OSError:
        return 0, 0
    return int(pages[5]) * resource.getpagesize(), int(pages[0]) * resource.getpagesize()


def _place(error: BaseException) -> str:
    """Where an exception was raised: our innermost function, with its line."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    ours = [frame for frame in frames if f"{os.sep}klimatpuls{os.sep}" in frame.filename] or frames
    if not ours:
        return "native code"
    at = ours[-1]
    return f"{at.filename.rpartition(os.sep)[2]}, line {at.lineno}, {at.name}"


def main(arguments: Sequence[str]) -> int:
    """Serve the caller at the other end of a connection until it closes.

    Args:
        arguments: File descriptor of the connection, then modules to import at once.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Connection(int(arguments[0])) as caller:
        os.set_inheritable(caller.fileno(), False)
        for name in arguments[1:]:
            importlib.import_module(name)
        # Imports stay, and a child reads one file and ends: garbage collection only costs time, and copies
        # the memory that the child shares with the server.
        gc.disable()
        gc.freeze()
        _serve(caller)
    return 0


if __name__ == "__main__":
    from klimatpuls.files.isolation import (
        main as serve,  # the module under its own name: its classes are pickled
    )

    sys.exit(serve(sys.argv[1:]))
