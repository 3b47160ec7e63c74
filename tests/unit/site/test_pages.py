"""Every page: well-formed, linked, in one language, inert, and without anything that is not public."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from html import unescape

import html5lib
import pytest
from support.site_rows import HOSTILE, target

from klimatpuls.report.numbers import Speaker
from klimatpuls.site.build import build
from klimatpuls.site.layout import render_page
from klimatpuls.site.options import Options
from klimatpuls.site.page import Table
from klimatpuls.site.region import change_section, write_region
from klimatpuls.site.start import network_picture, write_start
from klimatpuls.site.view import QUERIES, build_site

HTML = {"namespaceHTMLElements": False}
CODE = re.compile(r"\b[a-z]+_[a-z_]+\b")
ENGLISH = re.compile(r"\b(the|and|of|emissions?|percent|tonnes|target|missing|unknown)\b", re.I)
FILES = 32
"""Two languages × (start, releases and two of them, four more pages, seven regions), entrance, CSS."""


@pytest.fixture
def files(rows, tmp_path):
    """Path → text of every page."""
    build(rows, tmp_path / "site", Options(pdfs="none", workers=0))
    return {
        path.relative_to(tmp_path / "site").as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((tmp_path / "site").rglob("*"))
        if path.is_file() and path.suffix != ".json"
    }


def words(html: str) -> str:
    """What a reader sees or hears, without links to other languages."""
    body = re.sub(r"<a [^>]*hreflang=.*?</a>|<style.*?</style>", "", html, flags=re.S)
    shown = [*re.findall(r'(?:aria-label|content)="([^"]*)"', body), re.sub(r"<[^>]+>", " ", body)]
    return unescape(" ".join(shown))


def test_the_site_has_a_page_for_every_region_in_both_languages(files):
    assert len(files) == FILES
    assert {"sv/index.html", "sv/0360/index.html", "en/03/index.html", "sv/datalage/index.html"} <= set(files)
    assert {"sv/utgavor/index.html", "en/releases/smhi_emissions-ghg-2026-05-07-0a1b2c3d/index.html"} <= set(
        files
    )


def test_every_page_is_well_formed_and_has_one_heading_and_its_own_title(files):
    titles: dict[str, set[str]] = {"sv": set(), "en": set()}
    for path, text in files.items():
        if not path.endswith("index.html") or path == "index.html":
            continue
        tree = html5lib.HTMLParser(strict=True, **HTML).parse(text)
        lang = path[:2]
        assert tree.get("lang") == lang
        assert len(list(tree.iter("h1"))) == 1, path
        title = tree.findtext(".//title")
        assert title
        assert title not in titles[lang], path
        titles[lang].add(title)
        for table in tree.iter("table"):
            assert table.findtext("caption"), path
            assert all(cell.get("scope") for cell in table.iter("th")), path
        for drawing in (one for one in tree.iter("svg") if one.get("aria-hidden") != "true"):
            assert drawing.get("role") == "img"
            assert drawing.get("aria-label"), path


def test_every_link_inside_the_site_leads_to_a_file_and_nothing_is_loaded_from_elsewhere(files):
    for path, text in files.items():
        for target_path in re.findall(r'(?:href|src)="([^"]*)"', text):
            if target_path.startswith("#"):
                assert f'id="{target_path[1:]}"' in text
            elif not target_path.startswith("https://example.org/"):
                there = posixpath.normpath(posixpath.join(posixpath.dirname(path), target_path))
                assert there in files, f"{path}: {target_path}"
        assert "<script" not in text
        assert not re.search(r'(?:src|link[^>]*stylesheet[^>]*href)="https?:', text)
        assert "url(" not in text


def test_swedish_pages_hold_no_code_and_no_english_word(files):
    for path, text in files.items():
        if path.startswith("sv/"):
            shown = words(text)
            assert not CODE.findall(shown.replace("smhi_emissions-ghg", "")), path
            assert not ENGLISH.findall(shown), path


def test_with_an_address_the_pages_say_where_they_are(site):
    page = write_region(site, site.regions["0360"], Speaker("sv"))
    html = render_page(page, "https://klimat.example.org/")
    assert '<meta property="og:url" content="https://klimat.example.org/sv/0360/index.html">' in html
    assert 'hreflang="en" href="https://klimat.example.org/en/0360/index.html"' in html
    assert '<a href="../03/index.html">' in html
    plain = render_page(page)
    assert "og:url" not in plain
    assert 'hreflang="en" href="../../en/0360/index.html"' in plain


def test_what_concerns_membership_is_on_pages_of_members_and_applicants_alone(rows, site):
    for row in rows["site/regions.sql"]:
        row["member_kind"] = None
    outside = build_site(rows)
    member = {section.anchor for section in write_region(site, site.regions["0360"], Speaker("sv")).sections}
    other = {
        section.anchor for section in write_region(outside, outside.regions["0360"], Speaker("sv")).sections
    }
    assert "criteria" in member
    assert "criteria" not in other
    assert outside.regions["0360"].coverage == ()


def test_a_shortcoming_that_is_shown_has_its_reason_and_the_reply(rows):
    rows["site/criteria.sql"][0] |= {
        "status": "not_met",
        "reason_sv": "inget år är granskat",
        "reply": "Det kommer.",
    }
    site = build_site(rows)
    html = render_page(write_region(site, site.regions["0360"], Speaker("sv")))
    assert "Inget år är granskat. Granska det nyaste året." in html
    assert "Det kommer." in html


def test_a_revision_too_small_to_read_is_not_told_as_one(rows):
    for row in rows["site/revisions.sql"]:
        row["old_tco2e"] = row["new_tco2e"] + 1.0
    site = build_site(rows)
    html = render_page(write_region(site, site.regions["0360"], Speaker("sv")))
    assert "Knappt: ingen siffra" in html
    assert "i förra utgåvan" not in html


def test_nothing_inside_is_read():
    from klimatpuls.warehouse.connection import load_sql

    for name in QUERIES:
        text = load_sql(name)
        assert not re.search(r"secretariat|person\.|is_overdue|is_stale|overdue_from", text), name
        schemas = set(re.findall(r"(?:FROM|JOIN)\s+(\w+)\.", text))
        assert schemas == {"mart"}, f"{name}: a person who builds the site reads as bi_read"


def test_a_register_text_is_inert_everywhere(rows):
    rows["site/targets.sql"] = [target(title_sv=HOSTILE, title_en=HOSTILE, decided_by=HOSTILE)]
    rows["site/criteria.sql"][0] |= {"reply": HOSTILE, "to_meet_sv": HOSTILE}
    for row in rows["site/regions.sql"]:
        if row["region_code"] == "0360":
            row["region_name"] = HOSTILE
    site = build_site(rows)
    for page in (write_region(site, site.regions["0360"], Speaker("sv")), write_start(site, Speaker("sv"))):
        html = render_page(page)
        assert "<script" not in html
        assert "7*7" in html
        assert "49" not in re.findall(r"\{\{.*?\}\}", html)
        html5lib.HTMLParser(strict=True, **HTML).parse(html)


def test_the_printed_sectors_add_up_to_the_printed_total(site):
    for code in ("0360", "2580", "1490"):
        table = change_section(site, site.regions[code], Speaker("en")).blocks[0]
        assert isinstance(table, Table)
        for column in (1, 4):
            numbers = [float(row[column].replace(",", "").replace("−", "-")) for row in table.rows]
            assert sum(numbers[:-1]) == numbers[-1], (code, column)


@pytest.mark.parametrize(
    ("table", "code"), [("change_part", "why"), ("peer", "peers"), ("criterion", "criteria")]
)
def test_a_table_that_was_not_calculated_is_said_to_be_missing(rows, table, code):
    rows["report/result_status.sql"] = [{"table_name": table, "publication_id": 7}]
    site = build_site(rows)
    page = write_region(site, site.regions["0360"], Speaker("sv"))
    texts = [block.text for section in page.sections for block in section.blocks if block.kind == "paragraph"]
    assert any("kunde inte beräknas" in text for text in texts), texts
    assert code not in {s.anchor for s in page.sections if any(b.kind == "table" for b in s.blocks)}


def test_without_the_overview_pages_have_no_figures_and_still_stand(rows):
    rows["report/result_status.sql"] = [{"table_name": "region_overview", "publication_id": 7}]
    site = build_site(rows)
    for region in site.municipalities:
        assert "ingen utsläppssiffra" in write_region(site, region, Speaker("sv")).heading
    assert site.digest.largest_emitter is None
    assert "Luleå" not in network_picture(site, Speaker("sv")).alt
    assert render_page(write_start(site, Speaker("sv")))


def test_rows_of_two_publications_are_refused(rows):
    rows["site/peers.sql"][0]["publication_id"] = 6
    with pytest.raises(ValueError, match=r"site/peers\.sql: rows of publication \[6\], expected 7"):
        build_site(rows)


def test_without_emissions_there_is_no_site(rows):
    rows["report/releases.sql"] = []
    assert build_site(rows) is None


def test_synthetic_and_archived_figures_are_marked_on_every_page(site):
    for origin, mark in (("synthetic", "PÅHITTADE SIFFROR"), ("archive", "SIFFROR UR ETT ARKIV")):
        marked = replace(site, digest=replace(site.digest, origin=origin))
        assert mark in render_page(write_start(marked, Speaker("sv")))
    assert "banner" not in render_page(write_start(site, Speaker("sv")))
