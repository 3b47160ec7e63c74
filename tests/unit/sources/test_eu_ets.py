"""The workbook of verified emissions, in the form that public programs show; every figure is invented."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest

from klimatpuls.contract.catalog import source
from klimatpuls.contract.releases import EXPECTED, content_sha256
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.fetch.http import open_session
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.mock_agencies.synthetic import eu_ets as synthetic
from klimatpuls.sources import eu_ets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AS_OF = date(2026, 5, 8)
HEAD = [
    "REGISTRY_CODE", "INSTALLATION_NAME", "INSTALLATION_IDENTIFIER", "PERMIT_IDENTIFIER",
    "MAIN_ACTIVITY_TYPE_CODE", "ALLOCATION_2024", "VERIFIED_EMISSIONS_2024", "ALLOCATION_2025",
    "VERIFIED_EMISSIONS_2025",
]  # fmt: skip
PLANTS: list[list[workbook.Cell]] = [
    ["SE", "Bruket", 101.0, "563-1", "24", 900.0, 1000.0, 900.0, 1100.5],
    ["SE", "Värmeverket", 102.0, "563-2", "20", "n/a", "n/a", 10.0, 250.0],
    ["SE", "Lilla pannan", 103.0, "563-3", "20", "n/a", "Excluded", "n/a", "Excluded"],
    ["FI", "Tehdas", 101.0, "FI-1", "20", 1.0, 7.0, 1.0, 7.0],
    ["SE", "Exempelsson, Anna", 900.0, "SE-A", "10", 1.0, 5.0, 1.0, 5.0],
]


def book(rows: Sequence[Sequence[workbook.Cell]] = PLANTS, head: Sequence[str] = HEAD) -> bytes:
    """A workbook with the header in row 3, below a sheet of other content."""
    return workbook.build_workbook([["Verified emissions"], [], [*head], *rows], sheet_name="data")


def dated(body: bytes, modified: str) -> bytes:
    """The workbook with another day in its document properties."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "docProps/core.xml":
                text = (
                    b'<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
                    b'core-properties" xmlns:dcterms="http://purl.org/dc/terms/"><dcterms:modified>'
                    + modified.encode()
                    + b"</dcterms:modified></cp:coreProperties>"
                )
            new.writestr(name, text)
    return made.getvalue()


def parse(body: bytes):
    return eu_ets.parse([body], "eu_ets", None)


class TestParse:
    def test_swedish_plants_by_year(self):
        parsed = parse(book())
        found = parsed.rows.set_index(["installation_id", "year"])
        assert found["verified_tco2e"].dropna().to_dict() == {
            ("101", 2024): 1000.0,
            ("101", 2025): 1100.5,
            ("102", 2025): 250.0,
        }
        assert found.loc[("101", 2024), "allocation_t"] == 900.0
        assert (parsed.unit, parsed.years) == ("t CO2e", (2024, 2025))
        assert parsed.rows_read == len(parsed.rows) + len(parsed.rejects) == 6

    def test_not_in_the_system_is_no_zero_and_excluded_is_no_figure(self):
        parsed = parse(book())
        assert parsed.rejects[["column_name", "raw_value"]].to_numpy().tolist() == [
            ["VERIFIED_EMISSIONS_2024", "n/a"]
        ]
        assert parsed.rejects["reason"].str.startswith(EXPECTED).all()
        excluded = parsed.rows[parsed.rows["installation_id"] == "103"]
        assert excluded["trading_status"].tolist() == ["excluded", "excluded"]
        assert excluded["verified_tco2e"].isna().all()

    def test_aircraft_operators_may_be_persons_and_are_not_read(self):
        parsed = parse(book())
        assert "Exempelsson" not in parsed.rows.to_csv() + parsed.rejects.to_csv()

    def test_a_figure_that_is_none_is_refused_never_a_zero(self):
        rows = [*PLANTS[:2], ["SE", "Tredje", 104.0, "563-4", "24", 1.0, "cirka 5", 1.0, -3.0]]
        refused = parse(book(rows)).rejects.tail(2)
        assert refused["reason"].tolist() == ["not a number of tonnes"] * 2
        assert refused["sheet_row"].tolist() == [6, 6]

    def test_a_plant_that_comes_twice_or_has_no_number_is_refused(self):
        rows = [PLANTS[0], PLANTS[0], ["SE", "Utan", None, "563-5", "24", 1.0, 1.0, 1.0, 1.0]]
        parsed = parse(book(rows))
        assert parsed.rejects["reason"].tolist() == ["a plant that came before", "missing"]
        assert len(parsed.rows) == 2

    @pytest.mark.parametrize(
        "head",
        [
            [name.lower().replace("_", " ") for name in HEAD],
            [*HEAD[:5], "SOMETHING_NEW", *HEAD[6:]],
            [HEAD[0], "SITE", *HEAD[2:]],
        ],
        ids=["other case and blanks", "a column more, one fewer", "no name"],
    )
    def test_another_header_is_read(self, head):
        assert parse(book(head=head)).rows["verified_tco2e"].sum() == 2350.5

    def test_a_lost_name_is_said(self):
        assert "installation_name" in parse(book(head=[HEAD[0], "SITE", *HEAD[2:]])).notes[0]

    def test_dated_by_its_last_change_else_by_april(self):
        assert parse(dated(book(), "2026-04-02T08:00:00Z")).published_date == date(2026, 4, 2)
        undated = parse(dated(book(), "2020-01-01T08:00:00Z"))
        assert undated.published_date == date(2026, 4, 1)
        assert "April 2026" in undated.notes[0]

    def test_rows_in_another_order_are_the_same_content(self):
        assert content_sha256(parse(book())) == content_sha256(parse(book(PLANTS[::-1])))

    @pytest.mark.parametrize(
        ("body", "rule"),
        [
            (b"", "not_a_workbook"),
            (b"<html>maintenance</html>", "not_a_workbook"),
            (book(head=["A", *HEAD[1:]]), "header_not_found"),
            (book(head=[*HEAD[:5], "A", "B", "C", "D"]), "header_not_found"),
            (book(PLANTS[3:]), "empty"),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, body, rule):
        with pytest.raises(SourceFormatError) as caught:
            parse(body)
        assert caught.value.rule == rule

    def test_a_file_given_by_hand_is_recognised(self):
        assert eu_ets.recognise(book()) == ("eu_ets", None)
        assert eu_ets.recognise(b"<html>") is None
        assert eu_ets.recognise(workbook.build_workbook([["Kommun"]], sheet_name="S")) is None


class TestPage:
    def test_the_newest_linked_workbook_is_taken(self):
        page = b"""<a href="/document/download/a_en?filename=verified_emissions_2024_en.xlsx">x</a>
            <a href="/document/download/b_en?filename=verified_emissions_2025_en.xlsx">x</a>
            <a href="/document/download/c_en?filename=compliance_2026.xlsx">x</a>"""
        url, year = eu_ets.find_link(page, "https://climate.ec.europa.eu/union-registry_en")
        assert (url.partition("download/")[2][0], year) == ("b", 2025)

    def test_a_page_without_it_says_what_to_do(self):
        with pytest.raises(FetchError, match="klimatpuls ingest"):
            eu_ets.find_link(b"<a href='/x'>x</a>", "https://climate.ec.europa.eu/")


@pytest.fixture
def server(tmp_path: Path):
    for name, body in synthetic.files(np.random.default_rng(1)).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(body)
    with MockServer(MockAgencies(tmp_path, AS_OF)) as running:
        yield running


class TestAtTheMockAgencies:
    def test_the_page_leads_to_the_workbook_and_what_is_unchanged_is_seen(self, server):
        base = server.url + source("eu_ets").mock_path
        with open_session(source("eu_ets"), base) as session:
            fetched = eu_ets.fetch(session, base, "eu_ets", None, as_of=AS_OF)
            polls = [
                eu_ets.poll(session, base, "eu_ets", None, as_of=AS_OF, validators={}).fingerprint
                for _ in range(2)
            ]
            checked = [one.verdict for one in eu_ets.check(session, base, as_of=AS_OF)]
            # An operator may name the workbook itself.
            direct = eu_ets.fetch(session, fetched.url, "eu_ets", None, as_of=AS_OF)
        assert fetched.url.endswith("verified_emissions_2025_en.xlsx")
        assert polls[0] == polls[1] is not None
        assert checked == ["holds", "holds"]
        assert direct.parts == fetched.parts
        assert len(parse(fetched.parts[0]).rows) > 500

    def test_an_agency_without_the_page_fails_the_check(self, tmp_path):
        with MockServer(MockAgencies(tmp_path, AS_OF)) as running:
            base = running.url + source("eu_ets").mock_path + "/gone"
            with open_session(source("eu_ets"), base) as session:
                assert [one.verdict for one in eu_ets.check(session, base, as_of=AS_OF)] == ["fails"]
