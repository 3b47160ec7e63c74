"""Which sources a command asks, in which home: every rule of `auto`, origins and remembering."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from klimatpuls.errors import UsageError, WrongHomeError
from klimatpuls.local import runtime
from klimatpuls.local.home import Home
from klimatpuls.local.run_options import Choice, Wish, choose


def answers() -> bool:
    return True


def is_silent() -> bool:
    return False


def must_not_be_asked() -> bool:
    pytest.fail("the agencies were asked although it does not matter")


def test_auto_asks_the_agencies_when_they_answer(tmp_path: Path) -> None:
    choice = choose(Wish(), tmp_path, answers)
    assert (choice.sources, choice.origin, choice.notice) == ("live", "live", None)
    assert choice.home == tmp_path / "var" / "live"


def test_auto_takes_the_replica_when_nobody_answers_and_says_so_loudly(tmp_path: Path) -> None:
    choice = choose(Wish(), tmp_path, is_silent)
    assert (choice.sources, choice.origin) == ("replica", "synthetic")
    assert choice.home == tmp_path / "var" / "synthetic"
    assert choice.notice is not None
    assert "SYNTHETIC" in choice.notice


def test_auto_never_falls_back_where_live_figures_are_published(tmp_path: Path) -> None:
    home = Home(tmp_path / "var" / "live")
    home.claim("live")
    home.remember(first_published="2026-05-08")
    choice = choose(Wish(), tmp_path, is_silent)
    assert (choice.sources, choice.origin, choice.home) == ("live", "live", tmp_path / "var" / "live")


def test_an_explicit_home_with_live_figures_stays_live(tmp_path: Path) -> None:
    home = Home(tmp_path / "mine")
    home.claim("live")
    home.remember(first_published="2026-05-08")
    assert choose(Wish(home=tmp_path / "mine"), tmp_path, is_silent).origin == "live"


def test_live_is_live_even_when_nobody_answers(tmp_path: Path) -> None:
    assert choose(Wish(sources="live"), tmp_path, must_not_be_asked).sources == "live"


def test_an_archive_means_the_replica_in_a_home_of_its_own(tmp_path: Path) -> None:
    archive = tmp_path / "figures"
    archive.mkdir()
    choice = choose(Wish(archive=archive, as_of=date(2025, 7, 1)), tmp_path, must_not_be_asked)
    assert (choice.sources, choice.origin, choice.as_of) == ("replica", "archive", date(2025, 7, 1))
    assert choice.home == tmp_path / "var" / "archive-figures"


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
    choice = choose(Wish(archive=archive), tmp_path, must_not_be_asked)
    assert (choice.origin, choice.home.name) == (origin, "archive-trial")
    assert choice.notice is not None
    assert origin.upper() in choice.notice


@pytest.mark.parametrize("origin", ["synthetic", "archive"])
def test_a_home_keeps_its_origin_whatever_became_of_its_archive(tmp_path: Path, origin: str) -> None:
    home = Home(tmp_path / "mine")
    home.claim(origin)
    home.remember(sources="replica", archive=str(tmp_path / "moved-away"))
    choice = choose(Wish(home=home.root, as_of=date(2026, 5, 8)), tmp_path, must_not_be_asked)
    assert (choice.origin, choice.archive) == (origin, tmp_path / "moved-away")


def test_a_day_alone_means_the_bundled_archive(tmp_path: Path) -> None:
    choice = choose(Wish(as_of=date(2025, 7, 1)), tmp_path, must_not_be_asked)
    assert (choice.sources, choice.origin, choice.archive) == ("replica", "synthetic", None)


def test_a_home_remembers_what_it_was_made_from(tmp_path: Path) -> None:
    archive = tmp_path / "figures"
    archive.mkdir()
    wish = Wish(archive=archive, as_of=date(2025, 7, 1), home=tmp_path / "mine")
    first = choose(wish, tmp_path, must_not_be_asked)
    runtime.open_home(first)
    again = choose(Wish(home=tmp_path / "mine"), tmp_path, must_not_be_asked)
    assert (again.origin, again.archive, again.as_of) == ("archive", archive, date(2025, 7, 1))
    later = choose(Wish(home=tmp_path / "mine", as_of=date(2026, 5, 8)), tmp_path, must_not_be_asked)
    assert (later.origin, later.archive, later.as_of) == ("archive", archive, date(2026, 5, 8))


def test_a_home_of_another_origin_is_refused_and_unchanged(tmp_path: Path) -> None:
    home = Home(tmp_path / "mine")
    home.claim("archive")
    home.remember(first_published="2025-07-01", sources="replica")
    before = home.config
    asked = Choice(sources="live", origin="live", home=tmp_path / "mine", archive=None, as_of=None)
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
        ({"SOURCES": "live", "AS_OF": "2026-05-08"}, "replica"),
    ],
)
def test_a_setting_that_cannot_be_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Wish.from_environ(environ)


def test_empty_settings_say_nothing() -> None:
    said = {"SOURCES": "", "ARCHIVE": "", "AS_OF": "", "KLIMATPULS_HOME": ""}
    assert Wish.from_environ(said) == Wish()


def test_a_home_remembers_how_its_replica_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choice = choose(Wish(sources="replica", home=tmp_path / "mine"), tmp_path, must_not_be_asked)
    for said, kept in ((None, None), ("as-recorded", "as-recorded"), (None, "as-recorded"), ("", None)):
        monkeypatch.delenv("KLIMATPULS_REPLICA", raising=False)
        if said is not None:
            monkeypatch.setenv("KLIMATPULS_REPLICA", said)
        assert runtime.open_home(choice).config.replica == kept
        assert runtime.build_stack(Home(choice.home)).is_as_recorded is (kept is not None)
    monkeypatch.setenv("KLIMATPULS_REPLICA", "slow")
    with pytest.raises(UsageError, match="KLIMATPULS_REPLICA is 'slow', expected as-recorded"):
        runtime.open_home(choice)


def test_the_agencies_themselves_answer_as_they_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLIMATPULS_REPLICA", "as-recorded")
    choice = choose(Wish(sources="live", home=tmp_path / "mine"), tmp_path, must_not_be_asked)
    assert runtime.open_home(choice).config.replica is None
