import json
from collections import Counter
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from klimatpuls.contract import catalog
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.fetch import http
from klimatpuls.fetch.pxweb import client as pxweb


def cube(**changes: Any) -> dict[str, Any]:
    """Two regions × two years in the publisher's layout; values 1 to 4."""
    document: dict[str, Any] = {
        "version": "2.0",
        "class": "dataset",
        "label": "Folkmängden",
        "updated": "2025-02-21T07:00:00Z",
        "note": ["en not"],
        "id": ["Region", "Tid"],
        "size": [2, 2],
        "dimension": {
            "Region": {
                "label": "region",
                "category": {
                    "index": {"0360": 0, "0114": 1},
                    "label": {"0114": "Upplands Väsby", "0360": "Tierp"},
                },
                "extension": {"elimination": True, "eliminationValueCode": "00"},
            },
            "Tid": {"label": "år", "category": {"index": {"2023": 0, "2024": 1}}},
        },
        "value": [1, 2, 3, 4],
    }
    document.update(changes)
    return document


def encode(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def table(content: bytes) -> dict[tuple[str, str], tuple[float, str]]:
    frame = pxweb.parse_cube(content).frame()
    return {(r.Region, r.Tid): (r.value, r.status) for r in frame.itertuples()}


WHOLE = {
    ("0360", "2023"): (1, ""),
    ("0360", "2024"): (2, ""),
    ("0114", "2023"): (3, ""),
    ("0114", "2024"): (4, ""),
}


def test_a_cube_becomes_a_long_table():
    decoded = pxweb.parse_cube(encode(cube()))
    assert table(encode(cube())) == WHOLE
    assert decoded.label == "Folkmängden"
    assert decoded.notes == ("en not",)
    assert decoded.updated.isoformat() == "2025-02-21T07:00:00+00:00"
    region = decoded.dimension("Region")
    assert (region.elimination, region.elimination_code) == (True, "00")
    assert region.labels == {"0360": "Tierp", "0114": "Upplands Väsby"}
    assert list(decoded.frame().columns) == ["Region", "Tid", "value", "status"]
    assert pxweb.parse_cube(encode(cube())).frame()["Region"].dtype == "str"


def test_a_byte_order_mark_changes_nothing():
    assert table(b"\xef\xbb\xbf" + encode(cube())) == WHOLE


def test_the_index_may_be_a_list():
    document = cube()
    document["dimension"]["Region"]["category"]["index"] = ["0360", "0114"]
    assert table(encode(document)) == WHOLE


def test_the_index_of_a_single_code_may_be_missing():
    document = cube(id=["Region"], size=[1], value=[7])
    document["dimension"] = {"Region": {"category": {"label": {"00": "Riket"}}}}
    frame = pxweb.parse_cube(encode(document)).frame()
    assert frame[["Region", "value"]].to_numpy().tolist() == [["00", 7.0]]


def test_the_order_of_codes_is_their_place_not_their_order_in_the_file():
    document = cube()
    document["dimension"]["Region"]["category"]["index"] = {"0114": 1, "0360": 0}
    assert table(encode(document)) == WHOLE


def test_values_may_be_sparse_and_missing_ones_keep_their_symbol():
    found = table(encode(cube(value={"0": 1, "3": 4}, status={"1": "..", "2": "-"})))
    assert found[("0360", "2023")] == (1, "")
    assert found[("0114", "2024")] == (4, "")
    assert found[("0360", "2024")] == (pytest.approx(float("nan"), nan_ok=True), "..")
    assert found[("0114", "2023")] == (pytest.approx(float("nan"), nan_ok=True), "-")


def test_a_symbol_in_the_place_of_a_number_is_a_missing_value():
    found = table(encode(cube(value=[1, "..", 3, None])))
    assert found[("0360", "2024")] == (pytest.approx(float("nan"), nan_ok=True), "..")
    assert found[("0114", "2024")] == (pytest.approx(float("nan"), nan_ok=True), "")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("e", ["e", "e", "e", "e"]),
        ([None, "..", "", "p"], ["", "..", "", "p"]),
        ({"2": "p"}, ["", "", "p", ""]),
    ],
)
def test_status_comes_as_a_text_a_list_or_an_object(status, expected):
    assert pxweb.parse_cube(encode(cube(status=status))).frame()["status"].tolist() == expected


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    order=st.randoms(use_true_random=False),
)
def test_any_order_of_dimensions_gives_the_same_cells(sizes, order):
    """The same cells written in another order of dimensions decode to the same table."""
    names = [f"D{axis}" for axis in range(len(sizes))]
    codes = {
        name: [f"{name}c{place}" for place in range(size)] for name, size in zip(names, sizes, strict=True)
    }
    cells = {cell: place for place, cell in enumerate(product(*(codes[name] for name in names)))}

    def written(written_names: list[str]) -> bytes:
        values = [
            cells[tuple(dict(zip(written_names, cell, strict=True))[name] for name in names)]
            for cell in product(*(codes[name] for name in written_names))
        ]
        dimension = {name: {"category": {"index": codes[name]}} for name in written_names}
        size = [len(codes[name]) for name in written_names]
        return encode(cube(id=written_names, size=size, dimension=dimension, value=values))

    shuffled = names[:]
    order.shuffle(shuffled)
    straight = pxweb.parse_cube(written(names)).frame()
    other = pxweb.parse_cube(written(shuffled)).frame()
    assert straight["value"].tolist() == list(range(len(cells)))
    assert other.sort_values("value", ignore_index=True)[names].equals(straight[names])


def broken(*path: str, value: Any) -> dict[str, Any]:
    document = cube()
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ([], "not_an_object"),
        ({"title": "Non-existent table", "status": 404}, "not_jsonstat"),
        (cube(version="1.0"), "not_jsonstat"),
        (cube(value=[1, 2, 3]), "value_count"),
        (cube(value=[1, 2, 3, 4, 5]), "value_count"),
        (cube(value={"4": 1}), "value_outside"),
        (cube(value={"first": 1}), "value_outside"),
        (cube(status={"first": ".."}), "value_outside"),
        (cube(value="1 2 3 4"), "value_shape"),
        (cube(value=[1, 2, 3, True]), "value_type"),
        (cube(value=[1, 2, 3, [4]]), "value_type"),
        (cube(size=[2, 3]), "size_mismatch"),
        (cube(size=[4]), "size_mismatch"),
        (cube(status=7), "status_shape"),
        (cube(value=[1, 2, 3, 10**400]), "value_type"),
        (cube(value=[1, 2, 3, "9" * 400]), "value_type"),
        (cube(value=[1, 2, 3, "1 234,5"]), "value_type"),
        (cube(id=["Region", "Kon"]), "dimension_shape"),
        (broken("dimension", "Tid", "category", "index", value=["2023", "2023"]), "code_twice"),
        (broken("dimension", "Tid", "category", "index", value={"2023": 0, "2024": 2}), "index_gap"),
        (broken("dimension", "Tid", "category", "index", value=7), "index_shape"),
    ],
)
def test_what_is_no_cube_is_refused_by_name(document, rule):
    with pytest.raises(SourceFormatError, match="What to do") as caught:
        pxweb.parse_cube(encode(document))
    assert caught.value.rule == rule
    assert caught.value.findings


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html><title>Tekniskt fel</title>", b'{"version": "2.0"', b"\xff\xfe"]
)
def test_a_body_that_is_no_json_is_shown(content):
    with pytest.raises(SourceFormatError, match=f"a body of {len(content)} bytes") as caught:
        pxweb.parse_cube(content)
    assert caught.value.rule == "not_json"


def test_a_number_without_bound_is_no_figure():
    with pytest.raises(SourceFormatError, match="cell 0 holds inf") as caught:
        pxweb.parse_cube(encode(cube()).replace(b"[1, 2", b"[1e999, 2"))
    assert caught.value.rule == "value_type"


@pytest.mark.parametrize("content", [b"[" * 50_000 + b"]" * 50_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000])
def test_json_of_many_levels_is_refused_like_any_other_body_that_cannot_be_read(content):
    with pytest.raises(SourceFormatError, match="maximum recursion depth") as caught:
        pxweb.parse_metadata(content)
    assert caught.value.rule == "not_json"


def test_a_cube_that_claims_more_cells_than_any_answer_has_is_refused_before_they_are_laid_out():
    codes = [str(code) for code in range(1_001)]
    sides = {name: {"category": {"index": codes}} for name in ("Region", "Tid")}
    body = encode(cube(dimension=sides, size=[1_001, 1_001], value={"0": 1}, status=".."))
    with pytest.raises(SourceFormatError, match="claims 1002001 cells") as caught:
        pxweb.parse_cube(body)
    assert caught.value.rule == "too_many_cells"


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+05:00", "99999-01-01T00:00:00Z"]
)
def test_a_time_of_change_that_is_no_day_in_sweden_is_none(moment):
    found = pxweb.parse_cube(encode(cube(updated=moment)))
    assert found.updated is None
    assert found.oddities == (f"the time of the last change cannot be read: {moment!r}",)


def test_a_size_without_end_is_refused():
    with pytest.raises(SourceFormatError) as caught:
        pxweb.parse_cube(encode(cube()).replace(b'"size": [2, 2]', b'"size": [1e999, 2]'))
    assert caught.value.rule == "dimension_shape"


def test_not_a_number_is_no_json():
    with pytest.raises(SourceFormatError, match="NaN"):
        pxweb.parse_cube(encode(cube()).replace(b"[1, 2", b"[NaN, 2"))


@pytest.mark.parametrize(
    ("changes", "updated", "oddity"),
    [
        ({"updated": "i går"}, None, "cannot be read: 'i går'"),
        ({"updated": None}, None, "does not say when"),
        ({"updated": ""}, None, "does not say when"),
        ({"updated": "2025-02-21T07:00:00"}, "2025-02-21T07:00:00+00:00", "has no time zone"),
        ({"updated": "2025-02-21"}, "2025-02-21T00:00:00+00:00", "has no time zone"),
        ({"updated": "2025-02-21T08:00:00+01:00"}, "2025-02-21T08:00:00+01:00", None),
    ],
)
def test_a_time_of_change_is_read_in_every_form_and_its_lack_is_said(changes, updated, oddity):
    for decode in (pxweb.parse_cube, pxweb.parse_metadata):
        decoded = decode(encode(cube(**changes)))
        assert (decoded.updated and decoded.updated.isoformat()) == updated
        assert ([oddity in said for said in decoded.oddities] == [True]) if oddity else not decoded.oddities


def test_numbers_written_as_text_are_numbers_and_it_is_said():
    decoded = pxweb.parse_cube(encode(cube(value=["1", "-2.5", " 3 ", "-"])))
    assert decoded.values == (1.0, -2.5, 3.0, None)
    assert decoded.status == {3: "-"}
    assert decoded.oddities == ("3 values are written as text and were read as numbers",)


def test_a_single_note_and_a_unit_as_a_text_are_read_whole():
    document = cube(note="en enda not")
    document["dimension"]["Tid"]["category"]["unit"] = {"2023": "antal", "2024": {"base": None}}
    decoded = pxweb.parse_cube(encode(document))
    assert decoded.notes == ("en enda not",)
    assert decoded.dimension("tid").units == {"2023": "antal", "2024": ""}


@pytest.mark.parametrize(
    ("written", "meant"), [(True, True), ("true", True), ("False", False), (None, False)]
)
def test_whether_a_variable_may_be_left_out_is_read_in_every_form(written, meant):
    document = broken("dimension", "Region", "extension", value={"elimination": written})
    assert pxweb.parse_metadata(encode(document)).dimension("Region").elimination is meant


def test_a_list_of_tables_without_a_page_is_one_page(httpserver, client):
    httpserver.expect_request("/api/v2/tables").respond_with_json({"tables": [{"id": "A"}]})
    assert [(entry.id, entry.label) for entry in client.find_tables("folk")] == [("A", "")]


def test_a_dimension_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(SourceFormatError, match="'Kon'; it has Region, Tid"):
        pxweb.parse_cube(encode(cube())).dimension("Kon")


selections = st.dictionaries(
    st.sampled_from("ABCD"), st.integers(1, 7).map(lambda n: tuple(str(i) for i in range(n))), min_size=1
)


@given(selection=selections, max_cells=st.integers(1, 60))
def test_the_parts_of_a_selection_are_the_whole_and_nothing_twice(selection, max_cells):
    parts = list(pxweb.split_selection(selection, max_cells))
    assert all(pxweb.cell_count(part) <= max_cells for part in parts)
    names = list(selection)
    cells = Counter(cell for part in parts for cell in product(*(part[name] for name in names)))
    assert cells == Counter(product(*selection.values()))


def test_a_selection_that_fits_is_not_cut_and_a_longer_one_along_its_longest_variable():
    selection = {"Region": tuple(str(i) for i in range(312)), "Tid": tuple(str(i) for i in range(57))}
    assert list(pxweb.split_selection(selection, 150_000)) == [selection]
    assert [len(part["Region"]) for part in pxweb.split_selection(selection, 10_000)] == [175, 137]


def test_a_limit_of_no_cells_is_refused():
    with pytest.raises(ValueError, match="lets nothing through"):
        list(pxweb.split_selection({"A": ("1",)}, 0))


@pytest.fixture
def client(httpserver: HTTPServer):
    base_url = httpserver.url_for("/api/v2")
    source = replace(catalog.SOURCES["scb_population"], calls_per_window=())
    with http.open_session(source, base_url, sleep=lambda _: None) as session:
        yield pxweb.PxWebClient(session=session, base_url=base_url)


@pytest.mark.parametrize(("calls", "window"), [(3, 1), (30, 10)])
def test_the_limits_of_the_service_are_kept(httpserver, client, calls, window):
    httpserver.expect_request("/api/v2/config").respond_with_data(
        b"\xef\xbb\xbf"
        + encode(
            {"maxDataCells": 150000, "maxCallsPerTimeWindow": calls, "timeWindow": window, "license": "CC0"}
        )
    )
    config = client.fetch_config()
    assert config.max_cells == 150_000
    assert config.licence == "CC0"
    assert client.session.throttle.windows == ((calls, float(window)),)


DEFAULTS = (100_000, 10, 10.0)


@pytest.mark.parametrize(
    ("document", "kept", "noted"),
    [
        ({}, DEFAULTS, ("maxDataCells", "maxCallsPerTimeWindow", "timeWindow")),
        ({"maxDataCells": "many"}, DEFAULTS, ("'many'",)),
        ({"maxDataCells": 0, "maxCallsPerTimeWindow": 0, "timeWindow": 0}, DEFAULTS, ("maxDataCells (0)",)),
        ({"maxDataCells": -5, "maxCallsPerTimeWindow": 3, "timeWindow": 1}, (100_000, 3, 1.0), ("(-5)",)),
        (
            {"maxDataCells": "150000", "maxCallsPerTimeWindow": "30", "timeWindow": "10"},
            (150_000, 30, 10.0),
            (),
        ),
        (
            {"maxDataCells": 10**12, "maxCallsPerTimeWindow": 10**9, "timeWindow": 10},
            (1_000_000, 1_000, 10.0),
            ("no more than 1e+06", "no more than 1000"),
        ),
        (
            {"maxDataCells": 9, "maxCallsPerTimeWindow": 1, "timeWindow": 10**9},
            (9, 1, 300.0),
            ("timeWindow 1000000000",),
        ),
        (
            {"maxDataCells": True, "maxCallsPerTimeWindow": None, "timeWindow": []},
            DEFAULTS,
            ("(True)", "(None)"),
        ),
    ],
)
def test_a_config_without_usable_limits_gets_cautious_ones_and_says_so(
    httpserver, client, document, kept, noted
):
    httpserver.expect_request("/api/v2/config").respond_with_data(encode(document))
    config = client.fetch_config()
    assert (config.max_cells, config.calls, config.window_seconds) == kept
    assert client.session.throttle.windows == (kept[1:],)
    notes = "; ".join(config.notes)
    assert all(words in notes for words in noted)
    assert bool(notes) == bool(noted)


def test_a_service_without_a_config_is_asked_cautiously(httpserver, client):
    httpserver.expect_request("/api/v2/config").respond_with_data("Not found", status=404)
    config = client.fetch_config()
    assert (config.max_cells, config.calls, config.window_seconds) == DEFAULTS
    assert len(config.notes) == 3


def test_a_config_that_is_no_json_and_a_service_in_trouble_are_failures(httpserver, client):
    httpserver.expect_oneshot_request("/api/v2/config").respond_with_data("<html>Tekniskt fel</html>")
    with pytest.raises(SourceFormatError, match="Tekniskt fel"):
        client.fetch_config()
    httpserver.expect_request("/api/v2/config").respond_with_data("no", status=403)
    with pytest.raises(http.StatusError, match="HTTP 403"):
        client.fetch_config()


def test_a_limit_that_would_take_questions_without_end_is_not_kept(httpserver, client):
    selection = {"Region": tuple(str(i) for i in range(312)), "Tid": tuple(str(i) for i in range(57))}
    with pytest.raises(FetchError, match="would take 1779 questions, more than 1000") as caught:
        client.fetch_data("T", selection, max_cells=10)
    assert "maxDataCells" in str(caught.value)
    assert httpserver.log == []


def test_a_plain_text_refusal_for_too_many_calls_is_waited_out(httpserver, client):
    httpserver.expect_oneshot_request("/api/v2/tables/T").respond_with_data(
        "Too many requests", status=429, headers={"Retry-After": "1"}
    )
    httpserver.expect_request("/api/v2/tables/T").respond_with_json({"id": "T", "updated": "2026-02-24"})
    assert client.fetch_table("T").updated == "2026-02-24"


def tables_page(page: int, pages: int, ids: list[str]) -> dict[str, Any]:
    tables = [{"id": name, "label": name, "variableNames": ["Region"], "timeUnit": "Annual"} for name in ids]
    return {"tables": tables, "page": {"pageNumber": page, "totalPages": pages}}


def test_every_page_of_the_list_is_read_the_last_one_too(httpserver, client):
    pages = [["A", "B"], ["C", "D"], ["E"]]
    for number, ids in enumerate(pages, start=1):
        httpserver.expect_request(
            "/api/v2/tables",
            query_string={"lang": "sv", "query": "folk", "pageNumber": str(number), "pageSize": "100"},
        ).respond_with_json(tables_page(number, 3, ids))
    assert [entry.id for entry in client.find_tables("folk")] == ["A", "B", "C", "D", "E"]
    assert len(httpserver.log) == 3


def test_a_list_without_end_and_a_list_in_another_shape_are_refused(httpserver, client):
    httpserver.expect_request("/api/v2/tables", query_string="").respond_with_json({})
    httpserver.expect_request("/api/v2/tables").respond_with_json(tables_page(1, 10**6, ["A"]))
    with pytest.raises(FetchError, match="more than 100 pages"):
        client.find_tables("folk")
    httpserver.clear()
    httpserver.expect_request("/api/v2/tables").respond_with_json({"tables": [{"label": "no id"}]})
    with pytest.raises(SourceFormatError, match="cannot be read"):
        client.find_tables("folk")


SELECTION: pxweb.Selection = {"Region": ("0360", "0114"), "Tid": ("2023", "2024")}


def serve_cells(limit: int, status: int, body: dict[str, Any]):
    """A service that answers a question of at most ``limit`` cells, whatever it says in its config."""

    def handle(request: Request) -> Response:
        if request.method == "POST":
            asked = {e["variableCode"]: e["valueCodes"] for e in request.get_json()["selection"]}
        else:
            asked = {n: request.args[f"valueCodes[{n}]"].split(",") for n in ("Region", "Tid")}
        if len(asked["Region"]) * len(asked["Tid"]) > limit:
            return Response(encode(body), status=status)
        values = [WHOLE[(region, year)][0] for region in asked["Region"] for year in asked["Tid"]]
        dimension = {name: {"category": {"index": codes}} for name, codes in asked.items()}
        size = [len(asked["Region"]), len(asked["Tid"])]
        return Response(encode(cube(size=size, dimension=dimension, value=values)))

    return handle


TOO_MANY = {"type": "Parameter error", "title": "Too many cells selected", "status": 400}
TOO_MANY_SPEC = {
    "title": "Forbiden",
    "status": 403,
    "detail": "The query resulted in cell that exceeds the number of allowed.",
}


def collect(answers: list[http.Answer]) -> dict[tuple[str, str], tuple[float, str]]:
    cells: dict[tuple[str, str], tuple[float, str]] = {}
    for answer in answers:
        part = table(answer.body)
        assert not part.keys() & cells.keys()
        cells.update(part)
    return cells


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("max_cells", [4, 3, 2, 1])
def test_a_question_cut_by_the_cell_limit_gives_the_same_cells(httpserver, client, method, max_cells):
    httpserver.expect_request("/api/v2/tables/T/data").respond_with_handler(
        serve_cells(max_cells, 400, TOO_MANY)
    )
    answers = client.fetch_data("T", SELECTION, max_cells=max_cells, method=method)
    assert collect(answers) == WHOLE
    assert all(request.method == method for request, _ in httpserver.log)


TOO_MANY_VALUES = {"error": "Too many values selected"}


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, TOO_MANY), (403, TOO_MANY_SPEC), (403, TOO_MANY_VALUES), (413, {"title": "Payload too large"})],
)
def test_a_limit_smaller_than_stated_is_met_by_halving(httpserver, client, status, body):
    httpserver.expect_request("/api/v2/tables/T/data").respond_with_handler(serve_cells(1, status, body))
    answers = client.fetch_data("T", SELECTION, max_cells=150_000)
    assert collect(answers) == WHOLE
    assert len(answers) == 4


def test_another_refusal_is_passed_on(httpserver, client):
    problem = {"type": "Parameter error", "title": "Non-existent value", "status": 400}
    httpserver.expect_request("/api/v2/tables/T/data").respond_with_json(problem, status=400)
    with pytest.raises(http.StatusError, match="Non-existent value"):
        client.fetch_data("T", SELECTION, max_cells=4)
    assert len(httpserver.log) == 1


def test_a_single_cell_that_is_too_many_is_passed_on(httpserver, client):
    httpserver.expect_request("/api/v2/tables/T/data").respond_with_json(TOO_MANY, status=400)
    with pytest.raises(http.StatusError, match="Too many cells"):
        client.fetch_data("T", {"Region": ("0360",), "Tid": ("2023",)}, max_cells=4)
    assert len(httpserver.log) == 1
