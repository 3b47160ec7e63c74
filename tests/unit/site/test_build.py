"""The files: whole or not at all, unchanged ones kept, failures alone, PDFs that everybody can read."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest
from support.site_rows import HOSTILE, target

from klimatpuls.errors import SiteError, UsageError
from klimatpuls.pipeline import site as step
from klimatpuls.pipeline.context import RunContext, site_options
from klimatpuls.report.numbers import Speaker
from klimatpuls.site import build as building
from klimatpuls.site.build import MANIFEST, build
from klimatpuls.site.options import Options
from klimatpuls.site.pdf import compile_pdf, page_json
from klimatpuls.site.region import write_region
from klimatpuls.site.view import build_site

PAGES = Options(pdfs="none", workers=0)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_equal_rows_give_equal_bytes_and_a_second_build_does_nothing(rows, tmp_path):
    in_pool = (
        "import pathlib, sys; from support.site_rows import site_rows;"
        "from klimatpuls.site.build import build;"
        "from klimatpuls.site.options import Options;"
        "build(site_rows(), pathlib.Path(sys.argv[1]), Options(pdfs='members', workers=2))"
    )
    tests = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", in_pool, tmp_path / "b"], cwd=tests, check=True, timeout=120)
    first = build(rows, tmp_path / "a", Options(pdfs="members", workers=0))
    again = build(rows, tmp_path / "a", Options(pdfs="members", workers=0))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert (first.written, first.failures, again.written, again.files) == (first.files, (), 0, first.files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.lock", "b", "b.lock"]


def test_pdfs_are_those_asked_for_and_pages_link_only_what_there_is(rows, tmp_path):
    site = tmp_path / "site"
    build(rows, site, Options(pdfs="members", workers=0))
    assert (site / "sv/0360/rapport.pdf").is_file()
    assert (site / "en/03/report.pdf").is_file()
    assert not (site / "sv/1490/rapport.pdf").exists()
    assert "rapport.pdf" not in (site / "sv/1490/index.html").read_text(encoding="utf-8")
    build(rows, site, Options(pdfs="all", workers=0))
    assert 'href="rapport.pdf"' in (site / "sv/1490/index.html").read_text(encoding="utf-8")


def test_a_pdf_is_made_again_only_if_its_page_changed(rows, tmp_path, monkeypatch):
    site = tmp_path / "site"
    build(rows, site, Options(pdfs="all", workers=0))
    made = []

    def compiled(tree, day):
        made.append(json.loads(tree)["heading"])
        return b"%PDF"

    monkeypatch.setattr(building.pdf, "compile_pdf", compiled)
    rows["site/criteria.sql"][0]["reply"] = "Ja"
    before = contents(site)
    built = build(rows, site, Options(pdfs="all", workers=0))
    assert [heading.partition(":")[0] for heading in made] == ["Tierp", "Tierp"]
    changed = {path for path, content in contents(site).items() if before.get(path) != content}
    tierp = {f"{lang}/0360/{name}" for lang, paper in (("sv", "rapport"), ("en", "report"))
             for name in ("index.html", f"{paper}.pdf")}  # fmt: skip
    assert changed == tierp | {MANIFEST}
    assert built.written == len(tierp)


def test_files_are_taken_over_where_a_file_has_one_name_only(rows, tmp_path, monkeypatch):
    site = tmp_path / "site"
    build(rows, site, Options(pdfs="members", workers=0))
    last = contents(site)

    def unable(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(building.os, "link", unable)
    rows["site/criteria.sql"][0]["reply"] = "Ja"
    build(rows, site, Options(pdfs="none", workers=0))
    assert contents(site)["sv/0330/rapport.pdf"] == last["sv/0330/rapport.pdf"]
    # The page of the applicant changed, so its PDF no longer holds, and none was asked for.
    assert "sv/0360/rapport.pdf" not in contents(site)


def test_a_failing_page_keeps_its_last_file_and_costs_no_other(rows, tmp_path, monkeypatch):
    site = tmp_path / "site"
    build(rows, site, PAGES)
    last = contents(site)
    real = building.write_region

    def failing(whole, region, say):
        if region.code == "0360":
            msg = "no such thing"
            raise KeyError(msg)
        return real(whole, region, say)

    monkeypatch.setattr(building, "write_region", failing)
    for row in rows["site/regions.sql"]:
        row["region_name"] += " stad"
    built = build(rows, site, PAGES)
    assert [one.path for one in built.failures] == ["en/0360/index.html", "sv/0360/index.html"]
    assert all("KeyError: 'no such thing'" in one.reason for one in built.failures)
    now = contents(site)
    assert now["sv/0360/index.html"] == last["sv/0360/index.html"]
    assert b"Bor\xc3\xa5s stad" in now["sv/1490/index.html"]
    # The next build tries again, though nothing else has changed.
    monkeypatch.setattr(building, "write_region", real)
    assert build(rows, site, PAGES).failures == ()
    assert b"Tierp stad" in (site / "sv/0360/index.html").read_bytes()


def test_a_page_that_never_was_is_missing_alone(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "write_start", lambda *_: 1 / 0)
    built = build(rows, tmp_path / "site", PAGES)
    assert {one.path for one in built.failures} == {"sv/index.html", "en/index.html"}
    assert (tmp_path / "site/sv/0360/index.html").is_file()


def test_a_build_that_breaks_leaves_the_last_site(rows, tmp_path, monkeypatch):
    site = tmp_path / "site"
    build(rows, site, PAGES)
    last = contents(site)
    rows["site/peers.sql"] = []

    def broken(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(building, "_write", broken)
        with pytest.raises(OSError, match="No space left"):
            build(rows, site, PAGES)
    assert contents(site) == last
    # Killed between the two renames of the swap: the last site is put back, and the next one built.
    site.rename(tmp_path / "site.old")
    assert build(rows, site, PAGES).files == len(last) - 1
    assert not (tmp_path / "site.old").exists()


def test_a_manifest_that_cannot_be_read_is_no_manifest(rows, tmp_path):
    build(rows, tmp_path / "site", PAGES)
    for text in ("", "[]", '{"stamp": 1}', "\x00"):
        (tmp_path / "site" / MANIFEST).write_text(text, encoding="utf-8")
        built = build(rows, tmp_path / "site", PAGES)
        assert built.written == built.files


def test_a_missing_file_is_made_again(rows, tmp_path):
    build(rows, tmp_path / "site", PAGES)
    (tmp_path / "site/sv/0360/index.html").unlink()
    build(rows, tmp_path / "site", PAGES)
    assert (tmp_path / "site/sv/0360/index.html").is_file()


@pytest.fixture
def paper(site):
    """Tierp's PDF in Swedish."""
    page = write_region(site, site.regions["0360"], Speaker("sv"))
    return compile_pdf(page_json(page, "https://klimat.example.org"), site.digest.as_of)


def test_a_pdf_is_tagged_titled_in_its_language_and_small(paper):
    with pikepdf.open(io.BytesIO(paper)) as pdf:
        assert str(pdf.Root.Lang) == "sv-SE"
        assert pdf.Root.MarkInfo.Marked
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        assert "/StructTreeRoot" in pdf.Root
        assert abs(int(pdf.Root.Outlines.First.Count)) > 3
        assert 1 <= len(pdf.pages) <= 4
        with pdf.open_metadata() as about:
            assert about["dc:title"] == "Tierp: utsläpp av växthusgaser"
            assert about["pdfuaid:part"] == "1"
        kinds, texts = structure(pdf)
    assert {"/H1", "/H2", "/Table", "/TH", "/TD", "/L", "/Figure", "/P"} <= kinds
    assert any("Linjediagram: 218 000" in text.replace("\xa0", " ") for text in texts)
    assert len(paper) <= 300_000


def structure(pdf):
    """The kinds of structure elements, and the alternative texts."""
    kinds, texts, found = set(), [], [pdf.Root.StructTreeRoot]
    while found:
        node = found.pop()
        if isinstance(node, pikepdf.Array):
            found += list(node)
        elif isinstance(node, pikepdf.Dictionary):
            kinds.add(str(node.get("/S", "")))
            texts += [str(node.Alt)] if "/Alt" in node else []
            found += [node.K] if "/K" in node else []
    return kinds, texts


def test_a_pdf_is_made_the_same_again(site, paper):
    page = write_region(site, site.regions["0360"], Speaker("sv"))
    assert compile_pdf(page_json(page, "https://klimat.example.org"), site.digest.as_of) == paper


def test_a_register_text_is_no_markup_on_paper(rows):
    hostile = f'{HOSTILE} = Rubrik *fet* $x^2$ #link("https://evil.example")[x]'
    rows["site/targets.sql"] = [target(title_sv=hostile, decided_by=hostile)]
    site = build_site(rows)
    tree = page_json(write_region(site, site.regions["0360"], Speaker("sv")))
    paper = compile_pdf(tree, site.digest.as_of)
    with pikepdf.open(io.BytesIO(paper)) as pdf:
        actions = [str(a.A.URI) for page in pdf.pages for a in page.get("/Annots", []) if "/A" in a]
    assert not [uri for uri in actions if "evil" in uri]


# ---------------------------------------------------------------- the step of the pipeline


@pytest.mark.parametrize(
    ("environ", "options"),
    [
        ({}, Options()),
        (
            {"SITE_BASE_URL": "https://a.example", "SITE_PDFS": "none"},
            Options(base_url="https://a.example", pdfs="none"),
        ),
        ({"SITE_BASE_URL": "", "SITE_PDFS": ""}, Options()),
    ],
)
def test_settings_of_the_site(environ, options):
    assert site_options(environ) == options


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        (
            {"SITE_BASE_URL": "klimat.example.org"},
            "SITE_BASE_URL is 'klimat.example.org', expected an address",
        ),
        ({"SITE_PDFS": "some"}, "SITE_PDFS is 'some', expected one of none, members, all"),
    ],
)
def test_a_wrong_setting_is_refused(environ, words):
    with pytest.raises(UsageError, match=words):
        site_options(environ)


def test_the_step_names_the_pages_that_failed(rows, tmp_path, monkeypatch):
    from datetime import UTC, date, datetime

    context = RunContext(
        home=tmp_path,
        origin="live",
        as_of=date(2026, 5, 8),
        now=datetime(2026, 5, 8, tzinfo=UTC),
        site_options=PAGES,
    )
    monkeypatch.setattr(step, "read_rows", lambda _: rows)
    assert step.write_site(None, context).folder == tmp_path / "site"
    monkeypatch.setattr(building, "write_start", lambda *_: 1 / 0)
    rows["site/peers.sql"] = []
    with pytest.raises(
        SiteError,
        match=r"2 files .*: en/index\.html: ZeroDivisionError.*`klimatpuls site` tries",
    ):
        step.write_site(None, context)
    assert (tmp_path / "site").is_dir()
    rows["report/releases.sql"] = []
    assert step.write_site(None, context) is None
