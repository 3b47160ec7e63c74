"""Outside bytes are read in a process of their own: whatever becomes of it is a verdict, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from klimatpuls.errors import SourceFormatError, UsageError
from klimatpuls.files import isolation
from klimatpuls.files.isolation import Ceilings, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = """
import os, signal, sys, time

def echo(*values):
    return values

def pid():
    return os.getpid(), os.getppid()

def abort():
    print("thread panicked: the reader's own words", file=sys.stderr, flush=True)
    os.abort()

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def kill_once(mark):
    if not os.path.exists(mark):
        open(mark, "w").close()
        kill()
    return "read at the second try"

def sleep(seconds):
    time.sleep(seconds)

def spin():
    while True:
        pass

def grow(size):
    return len(bytearray(size))

def panic():
    class PanicException(BaseException):
        pass
    raise PanicException("out of bounds")

def leave(code):
    os._exit(code)

def fail():
    return {}["a key"]

def refuse():
    from klimatpuls.errors import SourceFormatError
    raise SourceFormatError("row 7: no", rule="header_not_found", findings=["row 7"])

def misuse():
    from klimatpuls.errors import UsageError
    raise UsageError("not so")

def exotic():
    from subprocess import Popen
    return Popen

def write(size):
    return b"x" * size

def limits():
    import resource
    return resource.getrlimit(resource.RLIMIT_CORE)
"""


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A module of functions that a server can import by name."""
    folder = tmp_path_factory.mktemp("functions")
    (folder / "outside_functions.py").write_text(textwrap.dedent(MODULE))
    sys.path.insert(0, str(folder))
    import outside_functions  # type: ignore[import-not-found]

    yield outside_functions
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def server(functions: Any) -> Iterator[Server]:
    made = Server([functions.__name__])
    yield made
    made.close()
    assert not made.is_alive


def refused(server: Server, function: Any, *arguments: Any, **ceilings: Any) -> SourceFormatError:
    with pytest.raises(SourceFormatError) as caught:
        server.call(function, *arguments, what="a source (file 1f3a90bc)", ceilings=Ceilings(**ceilings))
    assert str(caught.value).startswith("a source (file 1f3a90bc): ")
    assert "Nothing was loaded" in str(caught.value)
    return caught.value


def test_a_value_comes_back_and_every_call_has_a_process_of_its_own(server: Server, functions: Any) -> None:
    values = (1, "två", b"\0", None, 2.5, {"a": [1]}, frozenset({1}))
    assert server.call(functions.echo, *values, what="x") == values
    first, second = (server.call(functions.pid, what="x") for _ in range(2))
    assert first != second
    assert {first[1], second[1]} == {server.pid}
    assert os.getpid() not in {*first, *second}


@pytest.mark.parametrize(
    ("name", "arguments", "ceilings", "rule", "words"),
    [
        ("abort", (), {}, isolation.DIED, "SIGABRT. Its last output: thread panicked: the reader's own"),
        ("kill", (), {}, isolation.DIED, "killed twice"),
        ("leave", (3,), {}, isolation.DIED, "code 3"),
        ("fail", (), {}, isolation.FAILED, "KeyError: 'a key' (in outside_functions.py, line"),
        ("panic", (), {}, isolation.FAILED, "PanicException: out of bounds"),
        ("sleep", (30,), {"seconds": 0.3}, isolation.TOO_LONG, "longer than 0.3 s"),
        ("spin", (), {"cpu_seconds": 1}, isolation.TOO_LONG, "more than 1 s of processor time"),
        ("grow", (10**10,), {}, isolation.TOO_LARGE, "more than 768 MiB"),
        ("grow", (10**8,), {"memory_bytes": 2**25}, isolation.TOO_LARGE, "more than 32 MiB"),
        ("write", (10**7,), {"output_bytes": 2**20}, isolation.DIED, "code 70"),
    ],
)
def test_every_end_is_a_verdict_and_the_next_file_is_read(
    server: Server,
    functions: Any,
    name: str,
    arguments: tuple[Any, ...],
    ceilings: dict[str, Any],
    rule: str,
    words: str,
) -> None:
    error = refused(server, getattr(functions, name), *arguments, **ceilings)
    assert error.rule == rule
    assert words in str(error)
    assert error.findings
    assert server.call(functions.echo, "next", what="x") == ("next",)


def test_a_process_that_was_killed_from_outside_gets_a_second_try(
    server: Server, functions: Any, tmp_path: Path
) -> None:
    assert server.call(functions.kill_once, str(tmp_path / "mark"), what="x") == "read at the second try"


def test_an_error_of_the_project_comes_as_it_was_raised(server: Server, functions: Any) -> None:
    with pytest.raises(SourceFormatError) as caught:
        server.call(functions.refuse, what="x")
    assert (str(caught.value), caught.value.rule, caught.value.findings) == (
        "row 7: no",
        "header_not_found",
        ("row 7",),
    )
    with pytest.raises(UsageError, match="not so"):
        server.call(functions.misuse, what="x")


def test_only_plain_values_and_our_own_classes_are_taken_back(server: Server, functions: Any) -> None:
    import pickle

    with pytest.raises(pickle.UnpicklingError, match=r"may not hand back subprocess\.Popen"):
        server.call(functions.exotic, what="x")


def test_no_core_is_dumped(server: Server, functions: Any) -> None:
    assert server.call(functions.limits, what="x") == (0, 0)


def test_a_server_that_is_gone_is_no_fault_of_the_file(functions: Any) -> None:
    made = Server([functions.__name__])
    made.call(functions.echo, what="x")
    os.kill(made.pid, signal.SIGKILL)
    with pytest.raises(isolation.IsolationError, match="is gone"):
        made.call(functions.echo, what="x")
    made.close()


def test_a_server_that_cannot_import_is_no_fault_of_the_file() -> None:
    made = Server(["klimatpuls.no_such_module"])
    with pytest.raises(isolation.IsolationError, match="exit code 1"):
        made.call(os.getpid, what="x")
    made.close()


def test_nothing_is_left_when_the_caller_is_killed(functions: Any) -> None:
    folder = Path(functions.__file__).parent
    script = (
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "import outside_functions, threading\n"
        "from klimatpuls.files.isolation import Server\n"
        "server = Server()\n"
        "print(server.pid, server.call(outside_functions.pid, what='x')[1], flush=True)\n"
        "server.call(outside_functions.sleep, 60, what='x')\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    pid = int(caller.stdout.readline().split()[0])
    _until(lambda: bool(_children(pid)))
    (child,) = _children(pid)
    caller.kill()
    caller.wait()
    _until(lambda: not _is_there(pid) and not _is_there(child))
    caller.stdout.close()


def test_one_process_has_one_server_and_a_fork_has_its_own() -> None:
    found = isolation.server()
    assert isolation.server() is found
    os.kill(found.pid, signal.SIGKILL)
    _until(lambda: not found.is_alive)
    assert isolation.server() is not found


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return list(map(int, found))


def _is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _until(is_so: Any) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
