import io
from datetime import date, datetime
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH
from pytest_httpserver import HTTPServer
from support.pipeline_run import unthrottled

from klimatpuls.contract import catalog
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.fetch import http
from klimatpuls.mock_agencies.workbook import build_workbook
from klimatpuls.sources import klimatklivet
from klimatpuls.sources.klimatklivet import page as page_module
from klimatpuls.sources.klimatklivet import parser

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


def workbook(change=lambda book: None, epoch: datetime = WINDOWS_EPOCH) -> bytes:
    book = Workbook()
    book.epoch = epoch
    book.remove(book.active)
    for name in ("Per åtgärdskategori", "Per län", "Per kommun"):
        sheet = book.create_sheet(name)
        sheet.append(["Beviljade ansökningar"])
        sheet.append(list(parser.COLUMNS))
        for row in ROWS:
            sheet.append(row)
    change(book)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def parse(change=lambda book: None, page: str = PAGE):
    return klimatklivet.parse([page.encode(), workbook(change)], "klimatklivet", None)


SHEETS = ("Per åtgärdskategori", "Per län", "Per kommun")


def put(cell: str, value: object, sheets: tuple[str, ...] = SHEETS[:1]):
    def change(book: Workbook) -> None:
        for name in sheets:
            book[name][cell] = value
            if str(value).startswith("#"):
                book[name][cell].data_type = "e"

    return change


def everywhere(cell: str, value: object):
    return put(cell, value, SHEETS)


def with_column(name: str, *values: object):
    def change(book: Workbook) -> None:
        for sheet in book.worksheets:
            for row, value in enumerate((name, *values), start=2):
                sheet.cell(row, len(parser.COLUMNS) + 1, value)

    return change


def without_column(number: int):
    def change(book: Workbook) -> None:
        for sheet in book.worksheets:
            sheet.delete_cols(number)

    return change


def with_a_first_sheet(book: Workbook) -> None:
    book.create_sheet("Läs mig", 0).append(["Om uppgifterna"])


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
    assert parser.shown_name(name) == name


@pytest.mark.parametrize(
    "name", ["Anna Exempelsson", "Exempelsson, Abel", "Kabir Exempel", "Abraham", "Karin Regionsson", ""]
)
def test_what_may_be_a_person_is_not(name):
    assert parser.shown_name(name) is None


def test_the_day_is_the_links():
    assert parse().published_date == date(2026, 6, 30)
    short = f'<a href="{LINK}">Beviljade ansökningar</a>'
    assert parse(page=short).published_date == date(2026, 7, 1), "else the file name's"


def link(day: str, number: str, name: str = "klimatklivet") -> str:
    file = f"/{number}/globalassets/beviljade-ansokningar-till-{name}-{number}.xlsx"
    return f'<a href="{file}">Beviljade ansökningar till {name.title()} {day}</a>'


@pytest.mark.parametrize(
    ("page", "day"),
    [
        (link("till och med 31 december 2025", "260105") + link("till och med 30 juni 2026", "260701"),
         date(2026, 6, 30)),
        (link("till och med 30 juni 2026", "260701") + link("till och med 31 december 2025", "260105"),
         date(2026, 6, 30)),
        (link("", "260105") + link("", "260701"), date(2026, 7, 1)),
        (link("", "20260701"), date(2026, 7, 1)),
        (link("(2026-06-30)", "x"), date(2026, 6, 30)),
        (link("till och med juni 2026", "x"), date(2026, 6, 30)),
        (link("från 1 januari 2015 till och med 30 juni 2026", "x"), date(2026, 6, 30)),
        (link("till och med 31 juni 2026", "260701"), date(2026, 6, 30)),
        (link("till och med 30 juni 2026", "1") + link("till och med 30 juni 2027", "2", "industriklivet"),
         date(2026, 6, 30)),
        (f'<a href="{LINK}?v=2">Ladda ner listan (xlsx)</a>', date(2026, 7, 1)),
        ('<a href="/a/Beviljade%20ans%C3%B6kningar%20260701.XLSX">Lista</a>', date(2026, 7, 1)),
        ('<a href="/a/x.xlsx">Beviljade åtgärder i Klimatklivet 2026-06-30</a>', date(2026, 6, 30)),
    ],
)  # fmt: skip
def test_the_newest_link_is_told_by_its_day(page, day):
    assert page_module.find_link(page.encode(), "")[1] == day


def test_a_page_in_the_old_encoding_is_read():
    assert page_module.find_link(PAGE.encode("cp1252"), "")[1] == date(2026, 6, 30)


def test_a_link_elsewhere_on_the_page_that_is_no_address_is_passed_over():
    broken = '<a href="http://[::1/klimatklivet.xlsx">Beviljade ansökningar till Klimatklivet</a>'
    assert page_module.find_link(f"{broken}{PAGE}".encode(), "")[1] == date(2026, 6, 30)


def test_a_link_without_any_day_is_refused():
    with pytest.raises(SourceFormatError, match="does not say to which day it reaches"):
        page_module.find_link(link("", "x").encode(), "")


AMOUNT = "Senast tillgängligt beviljat stödbelopp (kr)"


@pytest.mark.parametrize(
    ("change", "rule", "words"),
    [
        (everywhere("F2", "Ort"), "columns", "missing: \\['Kommun'\\]; unknown: \\['Ort'\\]"),
        (everywhere("A2", "Nummer"), "columns", "missing: \\['Ärendenummer'\\]"),
        (everywhere("G2", "Beviljat stödbelopp (tkr)"), "wrong_unit", "another unit than kronor"),
        (everywhere("G2", "Senast beviljat stöd, mnkr"), "wrong_unit", "mnkr"),
        (everywhere("J2", "Beslutsår"), "columns", "missing: \\['Bifallsdatum'\\]"),
        (lambda book: [book[name].delete_rows(2) for name in SHEETS], "header_not_found", "Ärendenummer"),
        (lambda book: [book[name].delete_rows(3, 9) for name in SHEETS], "empty", "no row below its head"),
    ],
)
def test_a_workbook_that_would_make_a_figure_wrong_is_refused(change, rule, words):
    with pytest.raises(SourceFormatError, match=words) as caught:
        parse(change)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("change", "note"),
    [
        pytest.param(
            with_column("Utsläppsminskning (ton)", 5, 6),
            "'Utsläppsminskning (ton)' is new",
            id="a column more",
        ),
        pytest.param(
            with_column("Beviljat stödbelopp (tkr)", 1500),
            "is new and was not read",
            id="the amount once more",
        ),
        pytest.param(
            everywhere("A2", "Diarienummer"),
            "'Ärendenummer' is now called 'Diarienummer'",
            id="case number renamed",
        ),
        pytest.param(
            everywhere("G2", "Beviljat stöd (SEK)"),
            "is now called 'Beviljat stöd (SEK)'",
            id="amount renamed",
        ),
        pytest.param(
            everywhere("J2", "Beslutsdatum"), "is now called 'Beslutsdatum'", id="day of decision renamed"
        ),
        pytest.param(everywhere("K2", "Slutdatum"), "is now called 'Slutdatum'", id="day of the end renamed"),
        pytest.param(everywhere("M2", "Förordning"), "is now called 'Förordning'", id="regulation renamed"),
        pytest.param(everywhere("D2", " åtgärdskategori "), "", id="other case and blanks"),
        pytest.param(
            without_column(9), "'Laddinfra Publik/Icke-publik' is gone", id="a column that is not kept"
        ),
        pytest.param(with_a_first_sheet, "", id="a sheet before them"),
        pytest.param(lambda book: setattr(book["Per län"], "title", "Blad2"), "", id="another sheet name"),
        pytest.param(
            put("A2", "Nummer"),
            "the sheets ['Per åtgärdskategori'] lack columns",
            id="the first sheet is broken",
        ),
        pytest.param(
            lambda book: [sheet.insert_rows(1, 9) for sheet in book], "", id="the head further down"
        ),
        pytest.param(everywhere("J3", "2017-12-01 00:00:00"), "", id="a date as text with a time"),
        pytest.param(everywhere("J3", "1 december 2017"), "", id="a date in words"),
        pytest.param(everywhere("J3", date(2017, 12, 1)), "", id="a date as a date"),
        pytest.param(everywhere("G3", "1 500 000,00"), "", id="an amount as text"),
        pytest.param(everywhere("F3", "Ale  "), "", id="blanks behind a name"),
        pytest.param(everywhere("I3", "#N/A"), "", id="an error in a column that is not kept"),
    ],
)
def test_another_form_is_read_as_the_same(change, note):
    parsed, plain = parse(change), parse()
    same = [name for name in plain.rows.columns if name != "sheet_row"]
    assert parsed.rows[same].equals(plain.rows[same])
    assert note in " / ".join(parsed.notes)
    assert parsed.rejects.empty


@pytest.mark.parametrize("number", [2, 3, 5, 8, 11, 13])
def test_a_column_without_which_no_figure_is_wrong_may_be_gone(number):
    parsed = parse(without_column(number))
    assert parsed.rows["amount_sek"].tolist() == parse().rows["amount_sek"].tolist()
    assert parsed.rows["region_code"].fillna("").tolist() == ["1440", "", "", "0980"]
    (note,) = parsed.notes
    assert "is gone. What to do:" in note
    assert parsed.losses == (note,)


def test_the_days_of_a_workbook_that_counts_from_1904_are_right():
    def serials(book: Workbook) -> None:
        for sheet in book.worksheets:
            for row in sheet.iter_rows(min_row=3, min_col=10, max_col=11):
                for cell in row:
                    if isinstance(cell.value, int):
                        cell.value -= 1462

    body = workbook(serials, MAC_EPOCH)
    parsed = klimatklivet.parse([PAGE.encode(), body], "klimatklivet", None)
    assert parsed.rows[["decided_on", "ends_on"]].equals(parse().rows[["decided_on", "ends_on"]])


def test_a_column_that_was_added_is_never_loaded():
    parsed = parse(with_column("Kontaktperson", "Exempelsson, Anna", "Exempelsson, Bo"))
    assert "Exempelsson" not in parsed.rows.to_csv() + parsed.rejects.to_csv() + " ".join(parsed.notes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("F3", "Alle"), "no region is called 'Alle'"),
        (put("F3", "Habo"), "not in 'Västra Götalands län'"),
        (put("A4", "KKL-00001-2017"), "a case number that came before"),
        (put("G3", "okänt"), "not a number"),
        (put("D3", None), "missing"),
        (put("G3", "#N/A"), "the cell is in error (#N/A)"),
        (put("D3", "#REF!"), "the cell is in error (#REF!)"),
        (put("C3", "#NAME?"), "the cell is in error (#NAME?)"),
        (put("F3", "=E3"), "a formula without a saved result"),
        (put("G3", "=1+1"), "a formula without a saved result"),
        (put("G3", -5), "a negative number"),
        (put("G3", "nan"), "not a number"),
        (put("G3", True), "not a number"),
        (put("H4", 2.5), "not a whole number of charge points"),
        (put("H4", 1e300), "not a whole number of charge points"),
        (put("J3", 42004), "a day before 2015, when Klimatklivet began (2014-12-31)"),
        (put("J3", 46211), "a day after 2026-07-07 (2026-07-08)"),
        (put("J3", 60000), "a day after 2026-07-07"),
        (put("J3", 1e9), "not a date"),
        (put("J3", True), "not a date"),
        (put("J3", "01/12/2017"), "not a date"),
        (put("J3", "2017-02-30"), "not a date"),
        (put("K3", 1), "a day before 2015"),
        (put("K3", 80000), "a day after 2060-12-31"),
    ],
)
def test_a_row_that_is_no_fact_is_a_finding_and_no_row_is_lost(change, reason):
    parsed = parse(change)
    assert parsed.rows_read == 4 == len(parsed.rows) + len(parsed.rejects)
    assert reason in parsed.rejects["reason"].item()


def test_a_sheet_that_lacks_rows_is_said():
    (note,) = parse(lambda book: book["Per kommun"].delete_rows(4)).notes
    assert note == "the sheets have [5, 6] rows; 'Per åtgärdskategori' was read"


def test_the_sheet_with_the_most_rows_is_read():
    parsed = parse(lambda book: book["Per åtgärdskategori"].delete_rows(4))
    assert len(parsed.rows) == 4
    assert parsed.notes == ("the sheets have [5, 6] rows; 'Per län' was read",)


def test_a_workbook_as_large_as_the_publishers_is_read():
    """33 311 rows in three sheets, by a program that read it in 2026."""
    rows = [list(parser.COLUMNS)]
    rows += [[f"NV-19-{at:06d}", *ROWS[1][1:2], f"{'Laddstation ' * 20}{at}", *ROWS[1][3:]]
             for at in range(33_311)]  # fmt: skip
    body = build_workbook(rows, sheet_name=SHEETS[0], copies=SHEETS[1:])
    assert len(klimatklivet.parse([PAGE.encode(), body], "klimatklivet", None).rows) == 33_311


def checked(httpserver: HTTPServer, as_of: date = date(2026, 7, 9)):
    with http.open_session(SOURCE, httpserver.url_for(""), sleep=lambda _: None) as session:
        return list(klimatklivet.check(session, session.base_url, as_of=as_of))


@pytest.mark.parametrize(
    ("change", "as_of", "verdicts"),
    [
        (lambda book: None, date(2026, 7, 9), ["holds", "holds", "holds"]),
        (lambda book: None, date(2026, 6, 1), ["differs", "holds", "holds"]),
        (with_column("Ny", 1), date(2026, 7, 9), ["holds", "differs", "holds"]),
        (put("G3", "okänt"), date(2026, 7, 9), ["holds", "holds", "fails"]),
        (everywhere("F2", "Ort"), date(2026, 7, 9), ["holds", "fails"]),
    ],
)
def test_a_check_compares_the_page_and_the_workbook(httpserver: HTTPServer, change, as_of, verdicts):
    httpserver.expect_request(page_module.PAGE).respond_with_data(PAGE)
    httpserver.expect_request(LINK).respond_with_data(workbook(change))
    found = checked(httpserver, as_of)
    assert [one.verdict for one in found] == verdicts
    assert all(bool(one.action) == (one.verdict != "holds") for one in found)


def test_a_page_that_is_gone_fails_the_check(httpserver: HTTPServer):
    httpserver.expect_request(page_module.PAGE).respond_with_data("Sidan finns inte", status=404)
    (found,) = checked(httpserver)
    assert found.verdict == "fails"
    assert "HTTP 404" in found.answer


def test_a_page_without_the_link_is_a_failed_fetch(httpserver: HTTPServer):
    httpserver.expect_request(page_module.PAGE).respond_with_data(
        '<a href="/x.pdf">Beviljade ansökningar</a>'
    )
    with (
        http.open_session(SOURCE, httpserver.url_for(""), sleep=lambda _: None) as session,
        pytest.raises(FetchError, match="the page may have moved"),
    ):
        klimatklivet.fetch(session, session.base_url, "klimatklivet", None, as_of=date(2026, 7, 9))


def test_the_link_is_found_anew_and_a_look_asks_conditionally(httpserver: HTTPServer):
    httpserver.expect_request(page_module.PAGE).respond_with_data(PAGE)
    httpserver.expect_request(LINK, headers={"If-None-Match": '"one"'}).respond_with_data(b"", status=304)
    httpserver.expect_request(LINK).respond_with_data(workbook(), headers={"ETag": '"one"'})
    with http.open_session(SOURCE, httpserver.url_for(""), sleep=lambda _: None) as session:
        fetched = klimatklivet.fetch(session, session.base_url, "klimatklivet", None, as_of=date(2026, 7, 9))

        def poll(validators):
            return klimatklivet.poll(
                session, session.base_url, "klimatklivet", None, as_of=date(2026, 7, 9), validators=validators
            )

        first = poll({})
        again = poll(first.validators)
    assert len(klimatklivet.parse(fetched.parts, "klimatklivet", None).rows) == 4
    assert first.fingerprint is not None
    assert again.fingerprint is None
