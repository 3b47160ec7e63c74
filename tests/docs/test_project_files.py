"""Check the files that newcomers, code hosts, editors and catalogues read."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

from klimatpuls.files.yaml_text import parse_yaml

ROOT = Path(__file__).resolve().parents[2]
FORMS = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
# Mandatory keys of the core schema, https://yml.publiccode.tools/schema.core.html
MANDATORY = (
    "publiccodeYmlVersion", "name", "url", "platforms", "categories", "developmentStatus", "softwareType",
    "description", "legal", "maintenance/type", "localisation/localisationReady",
    "localisation/availableLanguages",
)  # fmt: skip
STATUSES = {"concept", "development", "beta", "stable", "obsolete"}


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads(_read("pyproject.toml"))


@pytest.fixture(scope="module")
def publiccode() -> dict[str, Any]:
    document: dict[str, Any] = parse_yaml(_read("publiccode.yml"))
    return document


def _value(document: dict[str, Any], key: str) -> Any:
    value: Any = document
    for part in key.split("/"):
        value = value[part]
    return value


@pytest.mark.parametrize(
    "name", ["LICENSE.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md"]
)
def test_the_readme_or_the_list_of_pages_leads_to_the_file(name: str) -> None:
    assert (ROOT / name).is_file()
    assert f"]({name})" in _read("README.md") + _read("CONTRIBUTING.md")


def test_the_licence_is_open_everywhere_or_nowhere(
    publiccode: dict[str, Any], project: dict[str, Any]
) -> None:
    is_undecided = "No licence has been granted yet" in _read("LICENSE.md")
    assert ("license" in publiccode["legal"]) is not is_undecided
    assert ("license" in project["project"]) is not is_undecided


@pytest.mark.parametrize("key", MANDATORY)
def test_publiccode_has_the_mandatory_key(publiccode: dict[str, Any], key: str) -> None:
    assert _value(publiccode, key) is not None


def test_publiccode_keeps_the_rules_of_its_standard(
    publiccode: dict[str, Any], project: dict[str, Any]
) -> None:
    assert publiccode["softwareVersion"] == project["project"]["version"]
    assert publiccode["developmentStatus"] in STATUSES
    assert publiccode["maintenance"]["type"] in {"internal", "contract", "community", "none"}
    needs_contact = publiccode["maintenance"]["type"] in {"internal", "community"}
    assert bool(publiccode["maintenance"].get("contacts")) is needs_contact
    assert {"sv", "en"} <= set(publiccode["localisation"]["availableLanguages"])
    for language, texts in publiccode["description"].items():
        assert len(texts["shortDescription"].strip()) <= 150, language
        assert 150 <= len(texts["longDescription"].strip()) <= 10_000, language
        assert texts["features"], language


def test_the_changelog_has_a_section_for_the_version(project: dict[str, Any]) -> None:
    versions = re.findall(r"^## \[([^\]]+)\]", _read("CHANGELOG.md"), re.MULTILINE)
    assert versions[:2] == ["Unreleased", project["project"]["version"]]
    assert len(versions) == len(set(versions))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_the_issue_form_follows_its_specification(form: Path) -> None:
    _check("vendor.github-issue-forms", form)


def test_the_issue_forms_are_three_and_configured() -> None:
    assert {form.stem for form in FORMS} == {"bug", "data_error", "new_source"}
    _check("vendor.github-issue-config", ROOT / ".github/ISSUE_TEMPLATE/config.yml")


def _check(specification: str, path: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", specification, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_editors_and_the_linters_agree_on_line_lengths(project: dict[str, Any]) -> None:
    settings = ConfigParser()
    settings.read_string("[top]\n" + _read(".editorconfig"))
    tools = project["tool"]
    assert settings["*.{py,pyi}"].getint("max_line_length") == tools["ruff"]["line-length"]
    assert settings["*.sql"].getint("max_line_length") == tools["sqlfluff"]["core"]["max_line_length"]


def test_pre_commit_reads_its_settings_and_every_hook_meets_a_file() -> None:
    path = ROOT / ".pre-commit-config.yaml"
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folders = ("include", "plugins", "dags", "docs", ".github")
    names = {
        found.relative_to(ROOT).as_posix()
        for folder in folders
        for found in (ROOT / folder).rglob("*")
        if found.is_file()
    } | {found.name for found in ROOT.iterdir() if found.is_file()}
    hooks = [hook for repo in parse_yaml(path.read_text(encoding="utf-8"))["repos"] for hook in repo["hooks"]]
    unmet = [
        hook["id"]
        for hook in hooks
        if "files" in hook and not any(re.search(hook["files"], name) for name in names)
    ]
    assert unmet == []
