from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from klimatpuls.errors import UsageError, WrongHomeError
from klimatpuls.local import runtime
from klimatpuls.local.home import Config, Home, default_root
from klimatpuls.local.run_options import RunOptions


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_home_is_closed_to_others_and_keeps_its_secrets(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home")
    secrets = home.secrets
    assert mode(home.root) == 0o700
    assert {mode(path) for path in home.root.iterdir() if path.is_dir()} == {0o700}
    assert mode(home.root / "secrets.json") == 0o600
    assert Home(home.root).secrets == secrets
    assert len({value for value in vars(secrets).values()}) == 12
    assert secrets.admin not in repr(secrets)


def test_secrets_of_an_older_version_are_completed_not_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (home.root / "secrets.json").write_text('{"admin": "old", "gone": "x"}', encoding="utf-8")
    assert home.secrets.admin == "old"
    assert len(home.secrets.bi_read) >= 24
    assert home.secrets.bi_read == Home(home.root).secrets.bi_read


def test_an_open_home_is_closed_again(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    Home(tmp_path / "home")
    assert mode(tmp_path / "home") == 0o700


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="KLIMATPULS_HOME"):
        Home(tmp_path / "file")


def test_settings_are_remembered_one_by_one(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.config == Config()
    home.remember(sources="mock", archive="/somewhere")
    home.remember(as_of="2021-10-20")
    assert Home(tmp_path).config == Config(sources="mock", archive="/somewhere", as_of="2021-10-20")


def test_settings_of_an_older_version_are_read_under_their_new_names(tmp_path: Path) -> None:
    stored = '{"origin": "synthetic", "sources": "replica", "replica": "as-recorded"}'
    (tmp_path / "config.json").write_text(stored, encoding="utf-8")
    expected = Config(origin="synthetic", sources="mock", mock="as-recorded")
    assert Home(tmp_path).config == expected
    Home(tmp_path).remember(as_of="2026-05-08")
    assert "replica" not in (tmp_path / "config.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("sign", ["published", "kept"])
def test_a_home_with_figures_keeps_its_origin(tmp_path: Path, sign: str) -> None:
    home = Home(tmp_path)
    home.claim("live")
    home.claim("synthetic")  # nothing was fetched yet, for example because no agency answered
    if sign == "published":
        home.remember(first_published="2026-05-08")
    else:
        (home.root / "snapshots" / "manifests" / "smhi_emissions").mkdir(parents=True)
    home.claim("synthetic")
    with pytest.raises(WrongHomeError, match="holds figures of origin synthetic, and live was asked for"):
        home.claim("live")
    assert home.config.origin == "synthetic"


def test_an_unknown_origin_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="origin must be one of"):
        Home(tmp_path).claim("real")


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_damaged_file_is_a_user_error_naming_it(tmp_path: Path, content: str) -> None:
    home = Home(tmp_path)
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"config\.json"):
        _ = home.config


def test_the_lock_names_its_holder_and_ends_with_the_process(tmp_path: Path) -> None:
    home = Home(tmp_path)
    holder = (
        "import sys; from pathlib import Path; from klimatpuls.local.home import Home; "
        "lock = Home(Path(sys.argv[1])).lock('run'); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match=rf"`klimatpuls run, process {process.pid}`"):
            home.lock("refresh")
        process.kill()
    with home.lock("refresh"):
        assert f"refresh, process {os.getpid()}" in (home.run / "lock").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("origin", "archive", "expected"),
    [("live", None, "live"), ("synthetic", None, "synthetic"), ("archive", "data", "archive-data")],
)
def test_each_origin_has_a_home_of_its_own(
    tmp_path: Path, origin: str, archive: str | None, expected: str
) -> None:
    folder = tmp_path / archive if archive else None
    assert default_root(tmp_path, origin, folder) == tmp_path / "var" / expected


def test_an_opened_home_remembers_the_air_pollutants_that_were_named(tmp_path, monkeypatch):
    options = RunOptions(sources="live", origin="live", home=tmp_path / "home", archive=None, as_of=None)
    for given, remembered in ((None, None), ("nox", "nox"), (None, "nox"), ("", None)):
        if given is None:
            monkeypatch.delenv("KLIMATPULS_AIR_POLLUTANTS", raising=False)
        else:
            monkeypatch.setenv("KLIMATPULS_AIR_POLLUTANTS", given)
        assert runtime.open_home(options).config.air_pollutants == remembered


def test_air_pollutants_are_those_of_the_command_or_else_the_remembered_ones(tmp_path):
    home = Home(tmp_path / "home")
    assert home.named_air_pollutants({}) == ""
    home.remember(air_pollutants="nox,hg")
    assert home.named_air_pollutants({}) == "nox,hg"
    assert home.named_air_pollutants({"KLIMATPULS_AIR_POLLUTANTS": "all"}) == "all"
    assert home.named_air_pollutants({"KLIMATPULS_AIR_POLLUTANTS": ""}) == "", "an empty value means none"
