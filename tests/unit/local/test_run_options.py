"""Which sources a command asks, in which home: every rule of `auto`, origins and remembering."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from klimatpuls.errors import UsageError, WrongHomeError
from klimatpuls.local import runtime
from klimatpuls.local.home import Home
from klimatpuls.local.run_options import RunOptions, RunRequest, mock_conditions, resolve


def answers() -> bool:
    return True


def is_silent() -> bool:
    return False


def must_not_be_asked() -> bool:
    pytest.fail("the agencies were asked although it does not matter")


def test_auto_asks_the_agencies_when_they_answer(tmp_path: Path) -> None:
    options = resolve(RunRequest(), tmp_path, answers)
    assert (options.sources, options.origin, options.notice) == ("live", "live", None)
    assert options.home == tmp_path / "var" / "live"


def test_auto_uses_the_mock_agencies_with_a_notice_if_no_agency_answers(tmp_path: Path) -> None:
    options = resolve(RunRequest(), tmp_path, is_silent)
    assert (options.sources, options.origin) == ("mock", "synthetic")
    assert options.home == tmp_path / "var" / "synthetic"
    assert options.notice is not None
    assert "SYNTHETIC" in options.notice


def test_auto_never_falls_back_where_live_figures_are_published(tmp_path: Path) -> None:
    home = Home(tmp_path / "var" / "live")
    home.claim("live")
    home.remember(first_published="2026-05-08")
    options = resolve(RunRequest(), tmp_path, is_silent)
    assert (options.sources, options.origin, options.home) == ("live", "live", tmp_path / "var" / "live")


def test_an_explicit_home_with_live_figures_stays_live(tmp_path: Path) -> None:
    home = Home(tmp_path / "mine")
    home.claim("live")
    home.remember(first_published="2026-05-08")
    assert resolve(RunRequest(home=tmp_path / "mine"), tmp_path, is_silent).origin == "live"


def test_live_stays_live_if_no_agency_answers(tmp_path: Path) -> None:
    assert resolve(RunRequest(sources="live"), tmp_path, must_not_be_asked).sources == "live"


def test_an_archive_means_mock_agencies_in_a_state_directory_of_their_own(tmp_path: Path) -> None:
    archive = tmp_path / "figures"
    archive.mkdir()
    options = resolve(RunRequest(archive=archive, as_of=date(2025, 7, 1)), tmp_path, must_not_be_asked)
    assert (options.sources, options.origin, options.as_of) == ("mock", "archive", date(2025, 7, 1))
    assert options.home == tmp_path / "var" / "archive-figures"


@pytest.mark.parametrize(
    ("listed", "origin"),
    [
        ("a.xlsx,synthetic\nb.xlsx,synthetic\n", "synthetic"),
        ("a.xlsx,synthetic\n", "archive"),
        ("", "archive"),
    ],
    ids=["every workbook is marked", "one is not", "none is"],
)
def test_made_up_figures_stay_made_up_in_a_folder_of_their_own(
    tmp_path: Path, listed: str, origin: str
) -> None:
    archive = tmp_path / "trial"
    (archive / "smhi").mkdir(parents=True)
    for name in ("a.xlsx", "b.xlsx"):
        (archive / "smhi" / name).touch()
    rows = "".join(f"smhi/{row}\n" for row in listed.splitlines())
    (archive / "manifest.csv").write_text(f"path,origin\n{rows}", encoding="utf-8")
    options = resolve(RunRequest(archive=archive), tmp_path, must_not_be_asked)
    assert (options.origin, options.home.name) == (origin, "archive-trial")
    assert options.notice is not None
    assert origin.upper() in options.notice


@pytest.mark.parametrize("origin", ["synthetic", "archive"])
def test_a_home_keeps_its_origin_if_its_archive_changes_or_disappears(tmp_path: Path, origin: str) -> None:
    home = Home(tmp_path / "mine")
    home.claim(origin)
    home.remember(sources="mock", archive=str(tmp_path / "moved-away"))
    options = resolve(RunRequest(home=home.root, as_of=date(2026, 5, 8)), tmp_path, must_not_be_asked)
    assert (options.origin, options.archive) == (origin, tmp_path / "moved-away")


def test_a_day_alone_means_the_bundled_archive(tmp_path: Path) -> None:
    options = resolve(RunRequest(as_of=date(2025, 7, 1)), tmp_path, must_not_be_asked)
    assert (options.sources, options.origin, options.archive) == ("mock", "synthetic", None)


def test_a_home_remembers_what_it_was_made_from(tmp_path: Path) -> None:
    archive = tmp_path / "figures"
    archive.mkdir()
    request = RunRequest(archive=archive, as_of=date(2025, 7, 1), home=tmp_path / "mine")
    first = resolve(request, tmp_path, must_not_be_asked)
    runtime.open_home(first)
    again = resolve(RunRequest(home=tmp_path / "mine"), tmp_path, must_not_be_asked)
    assert (again.origin, again.archive, again.as_of) == ("archive", archive, date(2025, 7, 1))
    later = resolve(RunRequest(home=tmp_path / "mine", as_of=date(2026, 5, 8)), tmp_path, must_not_be_asked)
    assert (later.origin, later.archive, later.as_of) == ("archive", archive, date(2026, 5, 8))


def test_a_home_of_another_origin_is_refused_and_unchanged(tmp_path: Path) -> None:
    home = Home(tmp_path / "mine")
    home.claim("archive")
    home.remember(first_published="2025-07-01", sources="mock")
    before = home.config
    asked = RunOptions(sources="live", origin="live", home=tmp_path / "mine", archive=None, as_of=None)
    with pytest.raises(WrongHomeError, match="archive") as refused:
        runtime.open_home(asked)
    assert refused.value.exit_code == 4
    assert home.config == before


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SOURCES": "maybe"}, "SOURCES"),
        ({"ARCHIVE": "/no/such/folder"}, "ARCHIVE"),
        ({"AS_OF": "yesterday"}, "AS_OF"),
        ({"SOURCES": "live", "AS_OF": "2026-05-08"}, "mock"),
    ],
)
def test_a_setting_that_cannot_be_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        RunRequest.from_environ(environ)


def test_empty_settings_say_nothing() -> None:
    given = {"SOURCES": "", "ARCHIVE": "", "AS_OF": "", "KLIMATPULS_HOME": ""}
    assert RunRequest.from_environ(given) == RunRequest()


def test_a_home_remembers_how_its_mock_agencies_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = resolve(RunRequest(sources="mock", home=tmp_path / "mine"), tmp_path, must_not_be_asked)
    for given, kept in ((None, None), ("as-recorded", "as-recorded"), (None, "as-recorded"), ("", None)):
        monkeypatch.delenv("KLIMATPULS_MOCK", raising=False)
        if given is not None:
            monkeypatch.setenv("KLIMATPULS_MOCK", given)
        assert runtime.open_home(options).config.mock == kept
        assert runtime.build_stack(Home(options.home)).is_as_recorded is (kept is not None)
    monkeypatch.setenv("KLIMATPULS_MOCK", "slow")
    with pytest.raises(UsageError, match="KLIMATPULS_MOCK is 'slow', expected as-recorded"):
        runtime.open_home(options)


def test_the_agencies_themselves_answer_as_they_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLIMATPULS_MOCK", "as-recorded")
    options = resolve(RunRequest(sources="live", home=tmp_path / "mine"), tmp_path, must_not_be_asked)
    assert runtime.open_home(options).config.mock is None


def test_old_names_are_read_with_a_deprecation_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert RunRequest.from_environ({"SOURCES": "replica"}).sources == "mock"
    assert "SOURCES=replica is deprecated" in capsys.readouterr().err
    assert mock_conditions({"KLIMATPULS_REPLICA": "as-recorded"}, None) == "as-recorded"
    assert "use KLIMATPULS_MOCK" in capsys.readouterr().err
