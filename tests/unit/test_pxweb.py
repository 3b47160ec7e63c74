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

from klimatpuls import catalog, http, pxweb
from klimatpuls.errors import FetchError, SourceFormatError


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
        (cube(updated="i går"), "updated_shape"),
        (cube(updated="2025-02-21T07:00:00"), "updated_shape"),
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


def test_not_a_number_is_no_json():
    with pytest.raises(SourceFormatError, match="NaN"):
        pxweb.parse_cube(encode(cube()).replace(b"[1, 2", b"[NaN, 2"))


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


@pytest.mark.parametrize(
    "document",
    [{}, {"maxDataCells": 1, "maxCallsPerTimeWindow": 0, "timeWindow": 1}, {"maxDataCells": "many"}],
)
def test_a_config_without_limits_is_refused(httpserver, client, document):
    httpserver.expect_request("/api/v2/config").respond_with_data(encode(document))
    with pytest.raises(SourceFormatError, match="no usable limits"):
        client.fetch_config()


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


@pytest.mark.parametrize(("status", "body"), [(400, TOO_MANY), (403, TOO_MANY_SPEC)])
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
