"""The command line: help everywhere, one line for a mistake, documented exit codes."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from klimatpuls import errors
from klimatpuls.cli import main
from klimatpuls.cli.main import app

KLIMATPULS = Path(sys.executable).with_name("klimatpuls")


def commands(group: object, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [words]
    for name, command in getattr(group, "commands", {}).items():
        found += commands(command, (*words, name))
    return found


ALL = commands(get_command(app))


def run(*words: str, home: Path | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KLIMATPULS_")}
    where = {"KLIMATPULS_HOME": str(home)} if home else {}
    return subprocess.run(
        [KLIMATPULS, *words],
        env={**kept, **where, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_commands_are_the_documented_ones() -> None:
    assert {" ".join(words) for words in ALL if words} == {
        "run", "refresh", "publish", "up", "down", "bi", "bi-down", "status", "ingest", "backfill",
        "releases", "release", "release approve", "release reject", "release hold", "release withdraw",
        "release restore", "diff",
        "trace", "member", "sql", "backup", "backup restore", "export", "site", "retention", "dsn", "migrate",
        "mock", "mock serve", "mock make-archive",
        "replica", "replica serve", "replica make-archive", "registers", "registers check",
        "registers template", "registers export", "registers import", "registers import-plans",
        "registers forget",
        "source", "source check", "source fetch", "source new", "source retry",
    }  # fmt: skip


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_help(words: tuple[str, ...]) -> None:
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output
    assert len(result.output.split()) > 8


@pytest.mark.parametrize(
    ("words", "settings", "expected"),
    [
        (("nonsense",), {}, "nonsense"),
        (("status",), {}, "make run"),
        (("ingest", "/no/such/file.xlsx"), {}, "no file"),
        (("ingest", "/tmp"), {}, "a folder"),
        (("source", "retry", "no_such_source"), {}, "make run"),
        (("run",), {"AS_OF": "yesterday"}, "AS_OF"),
        (("run",), {"ARCHIVE": "/no/such/folder"}, "ARCHIVE"),
        (("run",), {"SOURCES": "live", "AS_OF": "2026-05-08"}, "mock"),
        (("run",), {"SOURCES": "mock", "MAIL_APPROVAL": "often"}, "MAIL_APPROVAL"),
        (("up",), {"SOURCES": "mock", "KLIMATPULS_AIR_POLLUTANTS": "gold"}, "the air pollutants are"),
        (("migrate",), {}, "WAREHOUSE_ADMIN_DSN"),
        (("source", "check"), {}, "with --live the agencies are asked"),
        (("source", "check", "kolada", "nobody", "--live"), {}, "no source 'nobody' in the catalogue"),
        (("backup", "restore", "/no/such/file.tar"), {}, "does not exist"),
        (("retention",), {"KLIMATPULS_KEEP": "publications=0"}, "KLIMATPULS_KEEP"),
    ],
)
def test_a_mistake_gets_a_line_and_no_traceback(
    tmp_path: Path, words: tuple[str, ...], settings: dict[str, str], expected: str
) -> None:
    done = run(*words, home=tmp_path / "none", **settings)
    assert done.returncode == errors.EXIT_USAGE
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_interrupted_command_prints_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "_home", interrupt)
    monkeypatch.setattr(sys, "argv", ["klimatpuls", "status"])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            main.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == main.EXIT_INTERRUPTED
    assert capsys.readouterr().err == "klimatpuls: interrupted; what it started stops within seconds\n"


def test_exit_codes_are_the_documented_ones() -> None:
    codes = {kind.__name__: kind.exit_code for kind in errors.KlimatpulsError.__subclasses__()}
    assert {name: codes[name] for name in ("UsageError", "FetchError", "OnHoldError", "WrongHomeError")} == {
        "UsageError": 1,
        "FetchError": 2,
        "OnHoldError": 3,
        "WrongHomeError": 4,
    }
    assert (codes["QuarantinedError"], codes["MailError"]) == (5, 6)


def test_a_terminal_that_lacks_a_letter_gets_a_question_mark_in_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def speak(_: object) -> None:
        sys.stdout.write("på → ön")
        sys.stdout.flush()
        raise errors.UsageError("said")

    written = io.BytesIO()
    before = signal.getsignal(signal.SIGTERM)
    with io.TextIOWrapper(written, encoding="ascii") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setattr(sys, "argv", ["klimatpuls", "status"])
        monkeypatch.setattr(main, "_home", speak)
        try:
            with pytest.raises(SystemExit):
                main.main()
        finally:
            signal.signal(signal.SIGTERM, before)
        assert written.getvalue() == b"p? ? ?n"
