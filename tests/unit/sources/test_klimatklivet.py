import io
from datetime import date
from typing import Any

import pytest
from chain import unthrottled
from openpyxl import Workbook
from pytest_httpserver import HTTPServer

from klimatpuls import catalog, http
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.sources import klimatklivet

SOURCE = unthrottled(catalog.SOURCES["klimatklivet"])
LINK = "/49f446/globalassets/beviljade-ansokningar-till-klimatklivet-260701.xlsx"
WORDS = "Beviljade ansökningar till Klimatklivet till och med 30 juni 2026"
PAGE = f'<p><a href="/om.xlsx">Om</a></p><p><a href="{LINK}"><span>{WORDS}</span> (xlsx)</a></p>'
STATION = "Laddstation"
ROWS: list[list[Any]] = [
    ["KKL-00001-2017", "Exempel AB", "Energikonvertering industri", "Energikonvertering",
     "Västra Götalands län", "Ale", 1500000, None, None, 43070, 44408, "Slutförd åtgärd",
     "Förordning (2015:517)"],
    ["NV-19-000002 ", "Brf Exempel", STATION, STATION,
     None, None, 164312, 17, "Icke-publik", 43791, None, "Slutförd åtgärd", "Förordning (2019:525)"],
    ["NV-20-000003", "Exempelsson, Anna", "Laddstation Exempelsson", STATION,
     "", "", 20000, 2, "Publik", 44000, None, "Pågående åtgärd", None],
    ["NV-21-000004", "Region Gotland", "Biogas", "Biogas",
     "Gotlands län", "Gotland", "1 234,5", None, None, "2021-03-05", None, "Pågående åtgärd", None],
]  # fmt: skip


def workbook(change=lambda book: None) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name in ("Per åtgärdskategori", "Per län", "Per kommun"):
        sheet = book.create_sheet(name)
        sheet.append(["Beviljade ansökningar"])
        sheet.append(list(klimatklivet.COLUMNS))
        for row in ROWS:
            sheet.append(row)
    change(book)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def parse(change=lambda book: None, page: str = PAGE):
    return klimatklivet.parse([page.encode(), workbook(change)], "klimatklivet", None)


def put(cell: str, value: object):
    return lambda book: book["Per åtgärdskategori"].__setitem__(cell, value)


def test_every_case_is_a_row_with_its_place_where_there_is_one():
    rows = parse().rows.set_index("case_number")
    assert rows.loc["KKL-00001-2017", ["county_code", "region_code", "amount_sek"]].tolist() == [
        "14",
        "1440",
        1500000.0,
    ]
    assert rows.loc["KKL-00001-2017", "decided_on"] == date(2017, 12, 1)
    assert rows.loc["KKL-00001-2017", "ends_on"] == date(2021, 7, 31)
    assert rows.loc["NV-19-000002", ["county_code", "region_code"]].isna().all()
    assert rows.loc["NV-19-000002", "charge_point_count"] == 17
    assert rows.loc["NV-21-000004", ["region_code", "amount_sek"]].tolist() == ["0980", 1234.5]


def test_a_workbook_given_alone_is_dated_by_its_own_last_change():
    # openpyxl writes the moment of saving over what is set: the part itself is changed.
    import re
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as good, zipfile.ZipFile(out, "w") as other:
        for name in good.namelist():
            text = good.read(name)
            if name == "docProps/core.xml":
                text = re.sub(rb"(:modified[^>]*>)[^<]+", rb"\g<1>2026-07-02T08:00:00Z", text)
            other.writestr(name, text)
    alone = klimatklivet.parse([out.getvalue()], "klimatklivet", None)
    assert alone.published_date == date(2026, 7, 2)
    assert alone.rows.equals(parse().rows)
    assert klimatklivet.recognise(out.getvalue()) == ("klimatklivet", None)


def test_a_workbook_that_does_not_say_when_it_was_changed_is_refused():
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as good, zipfile.ZipFile(out, "w") as other:
        for name in set(good.namelist()) - {"docProps/core.xml"}:
            other.writestr(name, good.read(name))
    with pytest.raises(SourceFormatError, match="when it was last changed"):
        klimatklivet.parse([out.getvalue()], "klimatklivet", None)


def test_a_sole_traders_name_is_stored_nowhere():
    parsed = parse()
    hidden = parsed.rows.set_index("case_number").loc["NV-20-000003"]
    assert hidden["organisation_withheld"]
    assert "Exempelsson" not in parsed.rows.to_csv() + parsed.rejects.to_csv()
    rejected = parse(put("J5", "ingen dag"))
    assert rejected.rejects["column_name"].tolist() == ["Bifallsdatum"]
    assert "Exempelsson" not in rejected.rows.to_csv() + rejected.rejects.to_csv()


@pytest.mark.parametrize(
    "name",
    ["Exempel AB", "Aktiebolaget Exempel", "Exempel HB", "Brf Eken 3", "Ale kommun",
     "Bostadsrättsföreningen Eken",
     "Region Gotland", "Umeå universitet", "Eken ek. för.", "Stiftelsen Eken", "Samfällighetsföreningen Eken",
     "Exempel A/S", "Lunds kommun", "Naturskyddsföreningen"],
)  # fmt: skip
def test_a_legal_form_or_a_public_body_is_shown(name):
    assert klimatklivet.shown_name(name) == name


@pytest.mark.parametrize(
    "name", ["Anna Exempelsson", "Exempelsson, Abel", "Kabir Exempel", "Abraham", "Karin Regionsson", ""]
)
def test_what_may_be_a_person_is_not(name):
    assert klimatklivet.shown_name(name) is None


def test_the_day_is_the_links():
    assert parse().published_date == date(2026, 6, 30)
    short = f'<a href="{LINK}">Beviljade ansökningar</a>'
    assert parse(page=short).published_date == date(2026, 7, 1), "else the file name's"


@pytest.mark.parametrize(
    ("change", "rule", "words"),
    [
        (
            put("M2", "Förordning"),
            "columns",
            "missing: .*Förordning inom Klimatklivet.*nobody knows: .*'Förordning'",
        ),
        (put("A2", "Nummer"), "header_not_found", "Ärendenummer"),
    ],
)
def test_a_workbook_in_another_shape_is_refused(change, rule, words):
    with pytest.raises(SourceFormatError, match=words) as caught:
        parse(change)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("F3", "Alle"), "no region is called 'Alle'"),
        (put("F3", "Habo"), "not in 'Västra Götalands län'"),
        (put("A4", "KKL-00001-2017"), "a case number that came before"),
        (put("G3", "okänt"), "not a number"),
        (put("D3", None), "missing"),
    ],
)
def test_a_row_that_is_no_fact_is_a_finding_and_no_row_is_lost(change, reason):
    parsed = parse(change)
    assert parsed.rows_read == 4 == len(parsed.rows) + len(parsed.rejects)
    assert reason in parsed.rejects["reason"].item()


def test_a_sheet_that_lacks_rows_is_said():
    (note,) = parse(lambda book: book["Per kommun"].delete_rows(4)).notes
    assert "the sheets have" in note


def test_a_page_without_the_link_is_a_failed_fetch(httpserver: HTTPServer):
    httpserver.expect_request(klimatklivet.PAGE).respond_with_data(
        '<a href="/x.pdf">Beviljade ansökningar</a>'
    )
    with (
        http.open_session(SOURCE, httpserver.url_for(""), sleep=lambda _: None) as session,
        pytest.raises(FetchError, match="the page may have moved"),
    ):
        klimatklivet.fetch(session, session.base_url, "klimatklivet", None, as_of=date(2026, 7, 9))


def test_the_link_is_found_anew_and_a_look_asks_conditionally(httpserver: HTTPServer):
    httpserver.expect_request(klimatklivet.PAGE).respond_with_data(PAGE)
    httpserver.expect_request(LINK, headers={"If-None-Match": '"one"'}).respond_with_data(b"", status=304)
    httpserver.expect_request(LINK).respond_with_data(workbook(), headers={"ETag": '"one"'})
    with http.open_session(SOURCE, httpserver.url_for(""), sleep=lambda _: None) as session:
        fetched = klimatklivet.fetch(session, session.base_url, "klimatklivet", None, as_of=date(2026, 7, 9))

        def look(validators):
            return klimatklivet.look(
                session, session.base_url, "klimatklivet", None, as_of=date(2026, 7, 9), validators=validators
            )

        first = look({})
        again = look(first.validators)
    assert len(klimatklivet.parse(fetched.parts, "klimatklivet", None).rows) == 4
    assert first.fingerprint is not None
    assert again.fingerprint is None
