"""The commands on registers, as a person types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

KLIMATPULS = Path(sys.executable).with_name("klimatpuls")
Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_projects_own_registers_have_no_mistake() -> None:
    done = subprocess.run(
        [KLIMATPULS, "registers", "check"],
        env={key: value for key, value in os.environ.items() if not key.startswith("KLIMATPULS_")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("20 registers with ")


def test_every_mistake_is_told_on_standard_error_and_the_code_is_1(run: Run, sound: Path) -> None:
    (sound / "answers.csv").write_bytes(b"")
    text = (sound / "members.csv").read_text(encoding="utf-8")
    (sound / "members.csv").write_text(text.replace("1281,Lund", "1281,Malmö"), encoding="utf-8")
    contacts = sound.parent / "contacts.csv"
    contacts.write_text("region_code,kind,role,address\n0360,official,strateg,anna.ek@example.org\n", "utf-8")
    done = run("check", KLIMATPULS_REGISTERS=str(sound), KLIMATPULS_CONTACTS=str(contacts))
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("klimatpuls: 3 fel i answers.csv, contacts.csv, members.csv;")
    assert [line.split(":")[0] for line in lines[1::2]] == [
        "- members.csv, rad 13, kolumn Namn (region_name), cell B13",
        "- answers.csv",
        "- contacts.csv, rad 2, kolumn Funktionsadress (address), cell D2",
    ]
    assert "anna" not in done.stderr


def test_a_template_goes_out_and_comes_back_empty(run: Run, sound: Path, tmp_path: Path) -> None:
    book = tmp_path / "mall.xlsx"
    assert run("template", str(book)).returncode == 0
    before = {file.name: file.read_bytes() for file in sound.iterdir()}
    done = run("import", str(book), "--folder", str(sound))
    assert (done.returncode, done.stdout) == (0, "nothing is filled in\n")
    assert {file.name: file.read_bytes() for file in sound.iterdir()} == before
    assert run("template", str(tmp_path / "mall.csv")).returncode == 1


def test_a_collection_of_plans_is_counted(run: Run, sound: Path, tmp_path: Path) -> None:
    path = tmp_path / "plans.csv"
    path.write_text(
        "municipality,plan_url,adopted_year,comment\nHeby kommun,,,Plan saknas\n", encoding="utf-8"
    )
    done = run("import-plans", str(path), "--folder", str(sound))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "the collection holds 0 plans, 0 whose stated end has passed, 0 pre-plans, 1 missing",
        "climate_plans.csv: 1 added, 0 changed, 0 as they were",
    ]


@pytest.mark.parametrize(
    ("address", "reason"),
    [("klimat@example.org.", "ends with a dot"), ("a@example.org, eva ek@example.org", "address 2 of 2")],
)
def test_a_mail_address_no_server_takes_is_refused_before_anything_is_sent(
    run: Run, address: str, reason: str
) -> None:
    extra = {"from_email": "us@example.org", "list_address": "list@example.org"}
    connection = {"conn_type": "smtp", "host": "mail.example.org", "extra": extra}
    assert run("check", AIRFLOW_CONN_SMTP_DEFAULT=json.dumps(connection)).returncode == 0
    extra["list_address"] = address
    done = run("check", AIRFLOW_CONN_SMTP_DEFAULT=json.dumps(connection))
    assert (done.returncode, done.stdout) == (1, "")
    assert "extra.list_address is missing or no mail address (" in done.stderr
    assert reason in done.stderr
    assert "eva" not in done.stderr


def test_a_missing_file_is_one_line(run: Run, tmp_path: Path) -> None:
    for words in (("import", "no.xlsx"), ("import-plans", "no.csv")):
        done = run(words[0], str(tmp_path / words[1]))
        assert done.returncode == 1
        assert "there is no such file" in done.stderr
        assert "Traceback" not in done.stderr
