"""One assumption about an agency broken at a time, at the wire: what comes instead, and what must follow.

Each is a way in which a first live day may differ from what was recorded: another notation, another place
for a unit, a field more or less, an answer that is none. ``accepted`` says that the figures are there, the
same as ever where nothing else is said; ``lost_part`` that a part is missing and all else is there;
``held`` that a person is asked; ``refused`` that nothing is loaded. ``says`` are words of what the operator
or the reader of the release is notified.
"""

from __future__ import annotations

import gzip
import io
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import openpyxl

from klimatpuls.mock_agencies.wire import Reply, Request, page_reply, text_reply
from klimatpuls.mock_agencies.workbook import build_workbook

if TYPE_CHECKING:
    from collections.abc import Callable

    from openpyxl.workbook import Workbook

    Answer = Callable[[Request], Reply]
    Change = Callable[[Request, Answer], Reply]

Expected = Literal["accepted", "lost_part", "held", "refused"]
FUTURE = "2031-03-01"


@dataclass(frozen=True, kw_only=True)
class Variation:
    """One broken assumption.

    Attributes:
        id: Source, and what is different.
        source: Catalogue id of the source whose agency answers differently.
        route: Pattern of method, agency and path that are hit, such as ``GET /scb/api/v2/config``.
        make: Makes the change; anew for every day, since some count calls.
        expected: What must become of it.
        says: Words of the message: to the operator, or in the release's notes where it is accepted.
        dataset: The dataset that is hit, where the source has several.
        substance: The substance that is hit, where the source has several.
        same_figures: Whether what is accepted is, to the last figure and date, what comes as recorded.
    """

    id: str
    source: str
    route: str
    make: Callable[[], Change]
    expected: Expected
    says: tuple[str, ...] = ()
    dataset: str | None = None
    substance: str = ""
    same_figures: bool = True

    def between(self) -> Callable[[str, Request, Answer], Reply]:
        """The change as the mock agencies take it, for one day."""
        change, pattern = self.make(), re.compile(self.route)

        def apply(agency: str, request: Request, answer: Answer) -> Reply:
            is_hit = pattern.search(f"{request.method} /{agency}{request.path}") is not None
            return change(request, answer) if is_hit else answer(request)

        return apply


# ------------------------------------------------------------------------------ ways to change an answer


def bodies(edit: Callable[[bytes], bytes], **headers: str) -> Callable[[], Change]:
    """Every whole answer with another body."""

    def change(request: Request, answer: Answer) -> Reply:
        reply = answer(request)
        if reply.status != 200:
            return reply
        return replace(reply, body=edit(reply.body), headers={**reply.headers, **headers})

    return lambda: change


def documents(edit: Callable[[Any], None]) -> Callable[[], Change]:
    """Every JSON document, edited in place."""

    def edited(body: bytes) -> bytes:
        document = json.loads(body)
        edit(document)
        return json.dumps(document, ensure_ascii=False).encode()

    return bodies(edited)


def workbooks(edit: Callable[[Workbook], None]) -> Callable[[], Change]:
    """Every workbook, edited in place."""

    def edited(body: bytes) -> bytes:
        book = openpyxl.load_workbook(io.BytesIO(body))
        edit(book)
        saved = io.BytesIO()
        book.save(saved)
        return saved.getvalue()

    return bodies(edited)


def instead(reply: Reply) -> Callable[[], Change]:
    """Something else than the agency's answer."""
    return lambda: lambda request, answer: reply


def first_time(reply: Reply) -> Callable[[], Change]:
    """Something else at the first call, the agency's answer at every later one."""

    def make() -> Change:
        calls: list[Request] = []

        def change(request: Request, answer: Answer) -> Reply:
            calls.append(request)
            return reply if len(calls) == 1 else answer(request)

        return change

    return make


HTML = page_reply(200, "Tekniskt fel")
EMPTY = Reply(status=200, body=b"", content_type="application/json")
GONE = page_reply(404, "Sidan finns inte")
TOO_MANY = text_reply(429, "Too many requests", {"Retry-After": "1"})
BOM = b"\xef\xbb\xbf"


def cut_gzip(body: bytes) -> bytes:
    return gzip.compress(body)[:-20]


# ------------------------------------------------------------------------------------------ SCB


def contents(document: Any) -> Any:
    return document["dimension"]["ContentsCode"]["category"]


def unit(text: str) -> Callable[[Any], None]:
    """Another text in the unit field of the measure."""

    def edit(document: Any) -> None:
        for one in contents(document)["unit"].values():
            one["base"] = text

    return edit


def no_unit_field(document: Any) -> None:
    del contents(document)["unit"]


def no_unit_anywhere(document: Any) -> None:
    """Neither the unit field nor a label nor the title says what is counted."""
    no_unit_field(document)
    document["label"] = re.sub(r" \(.*?\)", "", document["label"])
    for dimension in document["dimension"].values():
        labels = dimension["category"]["label"]
        labels.update({code: re.sub(r" \([^()]*\)", "", label) for code, label in labels.items()})


def index_as_list(document: Any) -> None:
    for dimension in document["dimension"].values():
        index = dimension["category"]["index"]
        if isinstance(index, dict):
            dimension["category"]["index"] = sorted(index, key=index.__getitem__)


def sparse(document: Any) -> None:
    document["value"] = {str(at): value for at, value in enumerate(document["value"]) if value is not None}


def null_at(code: str) -> Callable[[Any], None]:
    """No number for a region in any year."""

    def edit(document: Any) -> None:
        for at in cells_of(document, "Region", code):
            document["value"][at] = None

    return edit


def withheld(region: str, consumer: str) -> Callable[[Any], None]:
    """The symbol of a withheld figure for one consumer of a region."""

    def edit(document: Any) -> None:
        both = {*cells_of(document, "Region", region)} & {
            *cells_of(document, "Forbrukningskategri", consumer)
        }
        assert both
        for at in both:
            document["value"][at] = None
        document["status"] = {**document.get("status", {}), **{str(at): ".." for at in both}}

    return edit


def cells_of(document: Any, name: str, code: str) -> list[int]:
    """Places of the cells at a code."""
    at = document["id"].index(name)
    inner = 1
    for size in document["size"][at + 1 :]:
        inner *= size
    index = document["dimension"][name]["category"]["index"]
    place = index[code] if isinstance(index, dict) else index.index(code)
    return [cell for cell in range(len(document["value"])) if cell // inner % document["size"][at] == place]


def times(code: str, factor: float, name: str = "Region") -> Callable[[Any], None]:
    """The figures at a code, multiplied."""

    def edit(document: Any) -> None:
        for cell in cells_of(document, name, code):
            if document["value"][cell] is not None:
                document["value"][cell] = round(document["value"][cell] * factor)

    return edit


def another_region(code: str) -> Callable[[], Change]:
    """The table lists a region more; a question that names it is answered with figures of its own."""

    def add(document: Any, value: int) -> None:
        category = document["dimension"]["Region"]["category"]
        position = len(category["index"])
        category["index"][code] = position
        category["label"][code] = "Heby (före 2007)"
        at = document["id"].index("Region")
        per_region = 1
        for size in document["size"][at + 1 :]:
            per_region *= size
        document["size"][at] += 1
        if document.get("value"):
            assert at == 0, "regions come first"
            document["value"] += [value] * per_region

    def change(request: Request, answer: Answer) -> Reply:
        question = json.loads(request.body) if request.body else None
        is_asked = False
        if question is not None:
            for entry in question["selection"]:
                if entry["variableCode"] == "Region" and code in entry["valueCodes"]:
                    entry["valueCodes"].remove(code)
                    is_asked = True
            request = replace(request, body=json.dumps(question).encode())
        reply = answer(request)
        document = json.loads(reply.body)
        if question is None or is_asked:
            add(document, 13_000)
        return replace(reply, body=json.dumps(document).encode())

    return lambda: change


def another_variable(*, can_be_left_out: bool) -> Callable[[], Change]:
    """The table has a variable more, with a total; a question may have to name the total."""
    name = "Fodelseregion"
    variable = {
        "label": "födelseregion",
        "category": {
            "index": {"11": 0, "12": 1, "TOT": 2},
            "label": {"11": "Född i Sverige", "12": "Utrikes född", "TOT": "totalt"},
        },
        "extension": {"elimination": can_be_left_out},
    }
    total = {
        "label": "födelseregion",
        "category": {"index": {"TOT": 0}, "label": {"TOT": "totalt"}},
        "extension": {"elimination": can_be_left_out},
    }

    def change(request: Request, answer: Answer) -> Reply:
        question = json.loads(request.body) if request.body else None
        asked = question["selection"] if question else []
        named = [entry for entry in asked if entry["variableCode"] == name]
        if question and not named and not can_be_left_out:
            return text_reply(400, "Missing selection for mandatory variable")
        if named:
            assert named[0]["valueCodes"] == ["TOT"], named
            question["selection"] = [entry for entry in asked if entry not in named]
            request = replace(request, body=json.dumps(question).encode())
        reply = answer(request)
        document = json.loads(reply.body)
        if question is None or named:
            document["id"].insert(1, name)
            document["size"].insert(1, 1 if named else 3)
            document["dimension"][name] = total if named else variable
        return replace(reply, body=json.dumps(document, ensure_ascii=False).encode())

    return lambda: change


def renamed_table(old: str, new: str) -> Callable[[], Change]:
    """A table under another id, in its address and wherever it is named."""

    def change(request: Request, answer: Answer) -> Reply:
        if f"/{old}" in request.path:
            return GONE
        reply = answer(replace(request, path=request.path.replace(f"/{new}", f"/{old}")))
        return replace(reply, body=reply.body.replace(old.encode(), new.encode()))

    return lambda: change


def without(name: str) -> Callable[[Any], None]:
    """A document without one of its fields."""

    def edit(document: Any) -> None:
        document.pop(name, None)

    return edit


def put(**fields: Any) -> Callable[[Any], None]:
    """A document with other values in some of its fields."""

    def edit(document: Any) -> None:
        document.update(fields)

    return edit


def without_code(name: str, code: str) -> Callable[[Any], None]:
    """Metadata without one of the codes of a variable."""

    def edit(document: Any) -> None:
        category = document["dimension"][name]["category"]
        codes = [one for one in sorted(category["index"], key=category["index"].get) if one != code]
        category["index"] = {one: place for place, one in enumerate(codes)}
        category["label"].pop(code)
        document["size"][document["id"].index(name)] -= 1

    return edit


def relabelled(name: str, code: str, label: str) -> Callable[[Any], None]:
    """Another label at a code."""

    def edit(document: Any) -> None:
        labels = document["dimension"][name]["category"]["label"]
        if code in labels:
            labels[code] = label

    return edit


def of_table(ids: str, kinds: str = "(metadata|data)") -> str:
    """The route of a table's answers."""
    return rf"/scb/api/v2/tables/({ids})/{kinds}$"


BEFORE_2025, FROM_2025 = "TAB638", "TAB5557"
POPULATION = (
    Variation(
        id="population: unit 'antal' instead of 'antal personer'",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025), make=documents(unit("antal")), expected="accepted", says=("antal",),
    ),
    Variation(
        id="population: unit in another language",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025), make=documents(unit("number of persons")), expected="accepted",
        says=("number of persons",),
    ),
    Variation(
        id="population: households instead of persons",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025), make=documents(unit("hushåll")), expected="refused",
        says=("hushåll",),
    ),
    Variation(
        id="population: unit in thousands",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025), make=documents(unit("tusental")), expected="refused",
        says=("tusental",),
    ),
    Variation(
        id="population: no unit field",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025), make=documents(no_unit_field), expected="accepted",
    ),
    Variation(
        id="population: a 291st municipality",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025), make=another_region("1917"), expected="accepted",
    ),
    Variation(
        id="population: a variable more that may be left out",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025), make=another_variable(can_be_left_out=True), expected="accepted",
    ),
    Variation(
        id="population: a variable more that must be named",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025), make=another_variable(can_be_left_out=False), expected="accepted",
    ),
    Variation(
        id="population: byte order mark",
        source="scb_population", route="/scb/api/v2/", make=bodies(lambda body: BOM + body),
        expected="accepted",
    ),
    Variation(
        id="population: Latin-1 instead of UTF-8",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025), make=bodies(lambda body: body.decode().encode("latin-1")),
        expected="refused", says=("utf-8",),
    ),
    Variation(
        id="population: figures as a sparse object",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025, "data"), make=documents(sparse), expected="accepted",
    ),
    Variation(
        id="population: codes as a list",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025), make=documents(index_as_list), expected="accepted",
    ),
    Variation(
        id="population: no number for one municipality",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025, "data"), make=documents(null_at("0360")), expected="refused",
        says=("0360",),
    ),
    Variation(
        id="population: no configuration",
        source="scb_population", route="/scb/api/v2/config$", make=instead(GONE), expected="accepted",
    ),
    Variation(
        id="population: a configuration with limits of 0",
        source="scb_population", route="/scb/api/v2/config$",
        make=documents(put(maxDataCells=0, maxCallsPerTimeWindow=0, timeWindow=0)), expected="accepted",
    ),
    Variation(
        id="population: an error page with status 200",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025, "data"), make=instead(HTML), expected="refused",
        says=("Tekniskt fel",),
    ),
    Variation(
        id="population: an empty answer",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025, "data"), make=instead(EMPTY), expected="refused", says=("is empty",),
    ),
    Variation(
        id="population: a packed answer that is cut",
        source="scb_population", dataset="scb_population",
        route=of_table(BEFORE_2025, "data"), make=bodies(cut_gzip, **{"Content-Encoding": "gzip"}),
        expected="refused", says=("packed body ended before its end",),
    ),
    Variation(
        id="population: no moment of the last update",
        source="scb_population", dataset="scb_population",
        route="/scb/api/v2/tables/TAB638", make=documents(without("updated")), expected="accepted",
        same_figures=False,
    ),
    Variation(
        id="population: updated in years to come",
        source="scb_population", dataset="scb_population",
        route="/scb/api/v2/tables/TAB638", make=documents(put(updated=f"{FUTURE}T07:00:00Z")),
        expected="held", says=(FUTURE,),
    ),
    Variation(
        id="population: 429 once, then the answer",
        source="scb_population", route="/scb/api/v2/tables/", make=first_time(TOO_MANY),
        expected="accepted",
    ),
    Variation(
        id="population: the newer table has another id",
        source="scb_population", dataset="scb_population_ckm",
        route="/scb/api/v2/tables", make=renamed_table(FROM_2025, "TAB9999"), expected="accepted",
    ),
    Variation(
        id="population: the newer table is gone",
        source="scb_population", dataset="scb_population_ckm",
        route=f"/scb/api/v2/tables/{FROM_2025}", make=instead(GONE), expected="refused",
        says=(FROM_2025,),
    ),
)  # fmt: skip
DENSITY = (
    Variation(
        id="density: the table is gone", source="scb_population_density",
        route="/scb/api/v2/tables/TAB628", make=instead(GONE), expected="refused", says=("TAB628",),
    ),
    Variation(
        id="density: sex without its total", source="scb_population_density",
        route=of_table("TAB628", "metadata"), make=documents(without_code("Kon", "1+2")),
        expected="refused", says=("Kon",),
    ),
    Variation(
        id="density: unit 'antal personer'", source="scb_population_density",
        route=of_table("TAB628"), make=documents(unit("antal personer")), expected="accepted",
    ),
)  # fmt: skip
INVENTORY = (
    Variation(
        id="inventory: unit kt in the unit field",
        source="scb_national_emissions", route=of_table("TAB4698"), make=documents(unit("kt")),
        expected="accepted",
    ),
    Variation(
        id="inventory: no unit anywhere",
        source="scb_national_emissions", route=of_table("TAB4698"),
        make=documents(no_unit_anywhere), expected="accepted", says=("unit",),
    ),
    Variation(
        id="inventory: a gas that is gone",
        source="scb_national_emissions", route=of_table("TAB4698", "metadata"),
        make=documents(without_code("Vaxthusgaser", "SF6_CO2-ekv.")), expected="lost_part", says=("sf6",),
    ),
    Variation(
        id="inventory: the total of all gases is gone",
        source="scb_national_emissions", route=of_table("TAB4698", "metadata"),
        make=documents(without_code("Vaxthusgaser", "CO2-ekv.")), expected="refused", says=("ghg",),
    ),
    Variation(
        id="inventory: a code that changed its meaning",
        source="scb_national_emissions", route=of_table("TAB4698"),
        make=documents(relabelled("Sektor", "6.0", "Avfall")), expected="refused", says=("6.0", "Avfall"),
    ),
    Variation(
        id="inventory: the table is gone",
        source="scb_national_emissions", route="/scb/api/v2/tables/TAB4698", make=instead(GONE),
        expected="refused", says=("TAB4698",),
    ),
)  # fmt: skip
ENERGY = (
    Variation(
        id="energy: MWh in the unit field",
        source="scb_energy", route=of_table("TAB3654"), make=documents(unit("MWh")), expected="accepted",
    ),
    Variation(
        id="energy: GWh in the unit field",
        source="scb_energy", route=of_table("TAB3654"), make=documents(unit("GWh")), expected="refused",
        says=("GWh",),
    ),
    Variation(
        id="energy: a municipality's industry is withheld", same_figures=False,
        source="scb_energy", route=of_table("TAB3654", "data"),
        make=documents(withheld("0360", "921")), expected="accepted",
    ),
    Variation(
        id="energy: a municipality without number or symbol",
        source="scb_energy", route=of_table("TAB3654", "data"), make=documents(null_at("0360")),
        expected="refused", says=("0360", "no number"),
    ),
    Variation(
        id="energy: a server in trouble",
        source="scb_energy", route=of_table("TAB3654", "data"), make=instead(page_reply(503, "Service")),
        expected="refused", says=("HTTP 503",),
    ),
)  # fmt: skip
FORECAST = (
    Variation(
        id="forecast: unit 'antal'",
        source="scb_population_forecast", route="/scb/api/v2/tables/TAB[0-9]+/(metadata|data)$",
        make=documents(unit("antal")), expected="accepted",
    ),
    Variation(
        id="forecast: every table of it is gone",
        source="scb_population_forecast", route="/scb/api/v2/tables/(TAB6008|TAB698|TAB6299)",
        make=instead(GONE), expected="refused", says=("scb_population_forecast",),
    ),
    Variation(
        id="forecast: figures as text",
        source="scb_population_forecast", route="/scb/api/v2/tables/TAB[0-9]+/data$",
        make=documents(lambda document: document.update(value=[str(one) for one in document["value"]])),
        expected="accepted",
    ),
)  # fmt: skip


# ---------------------------------------------------------------------------------------- Kolada


def relative_links(document: Any) -> None:
    if document.get("next_url"):
        document["next_url"] = document["next_url"].partition("api.kolada.se")[2]


def plain_links(document: Any) -> None:
    if document.get("next_url"):
        document["next_url"] = document["next_url"].replace("https:", "http:")


def link_to(address: str) -> Callable[[Any], None]:
    """Every page leads to one address."""
    return lambda document: document.update(next_url=address)


def each_entry(edit: Callable[[Any], None]) -> Callable[[Any], None]:
    """Every entry of a page, edited in place."""

    def all_of_them(document: Any) -> None:
        for entry in document["values"]:
            edit(entry)

    return all_of_them


def first_entry(edit: Callable[[Any], None]) -> Callable[[Any], None]:
    """The first entry of every page, edited in place."""

    def only_it(document: Any) -> None:
        if document["values"]:
            edit(document["values"][0])

    return only_it


def without_kpi(code: str) -> Callable[[Any], None]:
    """Pages without a key figure."""

    def edit(document: Any) -> None:
        document["values"] = [
            entry for entry in document["values"] if code not in (entry.get("id"), entry.get("kpi"))
        ]

    return edit


def empty_page_at_the_end() -> Change:
    """Where a chain of pages ended, one more page follows, and it is empty."""

    def change(request: Request, answer: Answer) -> Reply:
        if request.query.get("page") == "99":
            document = {"count": 0, "values": [], "next_url": None, "previous_url": "x"}
            return replace(answer(replace(request, query={})), body=json.dumps(document).encode())
        reply = answer(request)
        document = json.loads(reply.body)
        if not document["next_url"]:
            document["next_url"] = f"{request.base_url}{request.path}?page=99"
        return replace(reply, body=json.dumps(document, ensure_ascii=False).encode())

    return change


DATA, KPI = "GET /kolada/v3/data/", "GET /kolada/v3/kpi/"
KOLADA = (
    Variation(
        id="kolada: links to the next page are relative", source="kolada", route="GET /kolada/",
        make=documents(relative_links), expected="accepted",
    ),
    Variation(
        id="kolada: links to the next page are http", source="kolada", route="GET /kolada/",
        make=documents(plain_links), expected="accepted",
    ),
    Variation(
        id="kolada: the last page is empty", source="kolada", route="GET /kolada/",
        make=lambda: empty_page_at_the_end(), expected="accepted",
    ),
    Variation(
        id="kolada: a page leads to another host", source="kolada", route=DATA, dataset="kolada",
        make=documents(link_to("https://example.org/v3/data")), expected="refused",
        says=("names a next page on another host", "example.org"),
    ),
    Variation(
        id="kolada: pages without an end", source="kolada", route=DATA, dataset="kolada",
        make=documents(lambda document: document.update(next_url="?page=1")), expected="refused",
        says=("never end",),
    ),
    Variation(
        id="kolada: a key figure is gone", source="kolada", route="GET /kolada/",
        make=documents(without_kpi("N45925")), expected="lost_part", says=("N45925",),
    ),
    Variation(
        id="kolada: every key figure is gone", source="kolada", route="GET /kolada/",
        make=documents(put(values=[])), expected="refused", says=("key figures",),
    ),
    Variation(
        id="kolada: no day of the next publication", source="kolada", route=KPI, same_figures=False,
        make=documents(each_entry(put(publication_date=None))), expected="accepted",
    ),
    Variation(
        id="kolada: the next publication is years away", source="kolada", route=KPI, same_figures=False,
        make=documents(each_entry(put(publication_date=FUTURE))), expected="accepted",
    ),
    Variation(
        id="kolada: an entry without values", source="kolada", route=DATA, dataset="kolada",
        make=documents(first_entry(put(values=None))), expected="refused", says=("no list of values",),
    ),
    Variation(
        id="kolada: a value that does not say whose it is", source="kolada", route=DATA, dataset="kolada",
        make=documents(first_entry(lambda entry: entry["values"][0].update(gender=None))),
        expected="refused", says=("gender",),
    ),
    Variation(
        id="kolada: years as text", source="kolada", route=DATA,
        make=documents(each_entry(lambda entry: entry.update(period=str(entry["period"])))),
        expected="accepted",
    ),
    Variation(
        id="kolada: a field more in every entry", source="kolada", route="GET /kolada/",
        make=documents(each_entry(put(comment="ny"))), expected="accepted",
    ),
    Variation(
        id="kolada: byte order mark", source="kolada", route="GET /kolada/",
        make=bodies(lambda body: BOM + body), expected="accepted",
    ),
    Variation(
        id="kolada: 429 once, then the answer", source="kolada", route=DATA, make=first_time(TOO_MANY),
        expected="accepted",
    ),
    Variation(
        id="kolada: version 2 answers", source="kolada", route="GET /kolada/",
        make=documents(lambda document: document.update(next_page=document.pop("next_url"))),
        expected="refused", says=("version 2",),
    ),
)  # fmt: skip


# ----------------------------------------------------------------------------------- Trafikanalys


def cells(edit: Callable[[Any], None], *, measures: bool | None = None) -> Callable[[Any], None]:
    """Every cell of every row, edited in place; of measures only, of the others only, or all."""

    def all_of_them(document: Any) -> None:
        for row in document["Rows"]:
            for cell in row["Cell"]:
                if measures is None or measures == (cell["Column"] in ("itrfslut", "nyregunder")):
                    edit(cell)

    return all_of_them


def as_number(cell: Any) -> None:
    if str(cell["Value"]).isdigit():
        cell["Value"] = int(cell["Value"])


def dash_for_zero(cell: Any) -> None:
    if str(cell["Value"]) == "0":
        cell["Value"] = "-"


def swapped(cell: Any) -> None:
    cell["Name"], cell["Value"] = cell.get("Value"), cell.get("Name")


def zeros_left_out(document: Any) -> None:
    def is_zero(row: Any) -> bool:
        values = [cell["Value"] for cell in row["Cell"] if cell["Column"] in ("itrfslut", "nyregunder")]
        return bool(values) and all(str(value) in ("0", "-") for value in values)

    document["Rows"] = [row for row in document["Rows"] if not is_zero(row)]


def one_column_more(document: Any) -> None:
    document["Header"]["Column"].append({"Name": "agarkat", "Value": "Ägarkategori", "Type": "D"})
    for row in document["Rows"]:
        row["Cell"].append({"Column": "agarkat", "Name": "t1", "Value": "Totalt", "FormattedValue": "Totalt"})


FIGURES = "GET /trafa/api/data"
TRAFA = (
    Variation(
        id="vehicles: figures as numbers", source="trafa_vehicles", route=FIGURES,
        make=documents(cells(as_number, measures=True)), expected="accepted",
    ),
    Variation(
        id="vehicles: a dash for zero", source="trafa_vehicles", route=FIGURES,
        make=documents(cells(dash_for_zero, measures=True)), expected="accepted",
    ),
    Variation(
        id="vehicles: rows of zeros are left out", source="trafa_vehicles", route=FIGURES,
        make=documents(zeros_left_out), expected="accepted",
    ),
    Variation(
        id="vehicles: code and label are the other way round", source="trafa_vehicles", route=FIGURES,
        make=documents(cells(swapped, measures=False)), expected="accepted",
    ),
    Variation(
        id="vehicles: no formatted value", source="trafa_vehicles", route=FIGURES,
        make=documents(cells(without("FormattedValue"))), expected="accepted",
    ),
    Variation(
        id="vehicles: a column more at its total", source="trafa_vehicles", route=FIGURES,
        make=documents(one_column_more), expected="accepted",
    ),
    Variation(
        id="vehicles: an error with status 200", source="trafa_vehicles", route=FIGURES,
        make=documents(put(Errors=["Frågan kunde inte besvaras"], Rows=[])), expected="refused",
        says=("Frågan kunde inte besvaras",),
    ),
    Variation(
        id="vehicles: no rows at all", source="trafa_vehicles", route=FIGURES,
        make=documents(put(Rows=[])), expected="refused", says=("trafa_vehicles",),
    ),
    Variation(
        id="vehicles: an error page with status 200", source="trafa_vehicles", route=FIGURES,
        make=instead(HTML), expected="refused", says=("Tekniskt fel",),
    ),
    Variation(
        id="vehicles: the structure lists nothing", source="trafa_vehicles", route="GET /trafa/api/structure",
        make=documents(put(StructureItems=[])), expected="accepted",
    ),
    Variation(
        id="vehicles: the agency has moved", source="trafa_vehicles", route="GET /trafa/",
        make=instead(replace(GONE, status=302, headers={"Location": "https://api.example.org/api"})),
        expected="refused", says=("api.example.org is not among the hosts",),
    ),
)  # fmt: skip


# ---------------------------------------------------------------------------------- Klimatklivet


def head_of(book: Workbook) -> tuple[Any, int, dict[str, int]]:
    """The first sheet, the row of its head, and the column of each name."""
    sheet = book.worksheets[0]
    for row in sheet.iter_rows(max_row=15):
        names = {str(cell.value).strip(): cell.column for cell in row if cell.value}
        if {"Ärendenummer", "INSTALLATION_IDENTIFIER"} & set(names):
            return sheet, row[0].row, names
    msg = "no head in the workbook"
    raise AssertionError(msg)


def column_more(book: Workbook) -> None:
    sheet, row, _ = head_of(book)
    sheet.cell(row, sheet.max_column + 1, "Beräknad utsläppsminskning (ton)")


def column_renamed(name: str, new: str) -> Callable[[Workbook], None]:
    """The head of a column in other words, in every sheet."""

    def edit(book: Workbook) -> None:
        renamed = 0
        for sheet in book.worksheets:
            for row in sheet.iter_rows(max_row=15):
                for cell in row:
                    if str(cell.value).strip() == name:
                        cell.value, renamed = new, renamed + 1
        assert renamed

    return edit


def in_first_row(name: str, value: Any) -> Callable[[Workbook], None]:
    """Another value in the first row of a column."""

    def edit(book: Workbook) -> None:
        sheet, row, names = head_of(book)
        sheet.cell(row + 1, names[name]).value = value

    return edit


def error_in_first_row(name: str) -> Callable[[Workbook], None]:
    """A cell in error."""

    def edit(book: Workbook) -> None:
        sheet, row, names = head_of(book)
        cell = sheet.cell(row + 1, names[name])
        cell.value, cell.data_type = "#N/A", "e"

    return edit


def counted_from_1904(book: Workbook) -> None:
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    book.epoch = CALENDAR_MAC_1904
    sheet, row, names = head_of(book)
    for name in ("Bifallsdatum", "Senast tillgängligt slutdatum eller slutligt beslutsdatum"):
        for (cell,) in sheet.iter_rows(min_row=row + 1, min_col=names[name], max_col=names[name]):
            if isinstance(cell.value, int | float):
                cell.value -= 1462


def two_links(body: bytes) -> bytes:
    link = (
        '<p><a href="/0a0a0a/globalassets/beviljade-ansokningar-till-klimatklivet-190701.xlsx">'
        "Beviljade ansökningar till Klimatklivet till och med 1 juli 2019 (xlsx)</a></p>"
    )
    return body.replace(b"<body>", f"<body>{link}".encode())


PAGE, BOOK = "GET /naturvardsverket/.*klimatklivet$", r"GET /naturvardsverket/.*\.xlsx$"
AMOUNT, DECIDED = "Senast tillgängligt beviljat stödbelopp (kr)", "Bifallsdatum"
KLIMATKLIVET = (
    Variation(
        id="klimatklivet: a column more", source="klimatklivet", route=BOOK, make=workbooks(column_more),
        expected="accepted", says=("Beräknad utsläppsminskning",),
    ),
    Variation(
        id="klimatklivet: the amount's column has another name", source="klimatklivet", route=BOOK,
        make=workbooks(column_renamed(AMOUNT, "Kolumn 7")), expected="refused", says=(AMOUNT,),
    ),
    Variation(
        id="klimatklivet: an older link stands first", source="klimatklivet", route=PAGE,
        make=bodies(two_links), expected="accepted",
    ),
    Variation(
        id="klimatklivet: no link", source="klimatklivet", route=PAGE, make=instead(HTML),
        expected="refused", says=("Beviljade ansökningar",),
    ),
    Variation(
        id="klimatklivet: the page is gone", source="klimatklivet", route=PAGE, make=instead(GONE),
        expected="refused", says=("HTTP 404",),
    ),
    Variation(
        id="klimatklivet: days counted from 1904", source="klimatklivet", route=BOOK,
        make=workbooks(counted_from_1904), expected="accepted",
    ),
    Variation(
        id="klimatklivet: a cell in error", source="klimatklivet", route=BOOK,
        make=workbooks(error_in_first_row(AMOUNT)), expected="refused", says=("#N/A",),
    ),
    Variation(
        id="klimatklivet: a formula without a saved result", source="klimatklivet", route=BOOK,
        make=workbooks(in_first_row(AMOUNT, "=1000*1000")), expected="refused", says=("formula",),
    ),
    Variation(
        id="klimatklivet: a decision in years to come", source="klimatklivet", route=BOOK,
        make=workbooks(in_first_row(DECIDED, 59_000)), expected="refused", says=(DECIDED,),
    ),
    Variation(
        id="klimatklivet: a page instead of the workbook", source="klimatklivet", route=BOOK,
        make=instead(HTML), expected="refused", says=("klimatklivet",),
    ),
)  # fmt: skip


# ------------------------------------------------------------------------------------------ EU ETS


def plants_column_more(body: bytes) -> bytes:
    """Written anew: openpyxl would date the workbook by the day on which the test runs."""
    sheet = openpyxl.load_workbook(io.BytesIO(body)).worksheets[0]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    return build_workbook([[*row, "COMPLIANCE_CODE"] for row in rows], sheet_name="data")


def older_link_first(body: bytes) -> bytes:
    return b'<a href="/document/download/0_en?filename=verified_emissions_2019_en.xlsx">2019</a>' + body


ETS_PAGE, ETS_BOOK = "GET /eu_ets/.*union-registry_en$", r"GET /eu_ets/document/download/"
FIGURES_2024 = "VERIFIED_EMISSIONS_2024"
EU_ETS = (
    Variation(
        id="eu_ets: a column more", source="eu_ets", route=ETS_BOOK, make=bodies(plants_column_more),
        expected="accepted",
    ),
    Variation(
        id="eu_ets: an older link stands first", source="eu_ets", route=ETS_PAGE,
        make=bodies(older_link_first), expected="accepted",
    ),
    Variation(
        id="eu_ets: no link", source="eu_ets", route=ETS_PAGE, make=instead(HTML), expected="refused",
        says=("verified_emissions_<year>", "eu_ets_default"),
    ),
    Variation(
        id="eu_ets: the page is gone", source="eu_ets", route=ETS_PAGE, make=instead(GONE),
        expected="refused", says=("HTTP 404",),
    ),
    Variation(
        id="eu_ets: the plants' numbers have another name", source="eu_ets", route=ETS_BOOK,
        make=workbooks(column_renamed("INSTALLATION_IDENTIFIER", "ID")), expected="refused",
        says=("INSTALLATION_IDENTIFIER",),
    ),
    Variation(
        id="eu_ets: a figure in words", source="eu_ets", route=ETS_BOOK,
        make=workbooks(in_first_row(FIGURES_2024, "cirka 5")), expected="refused", says=("cirka 5",),
    ),
    Variation(
        id="eu_ets: a page instead of the workbook", source="eu_ets", route=ETS_BOOK,
        make=instead(HTML), expected="refused", says=("eu_ets",),
    ),
)  # fmt: skip


# ------------------------------------------------------------------------------------------ SMHI


def for_substance(code: str, change: Callable[[], Change]) -> Callable[[], Change]:
    """A change for the workbook of one substance."""

    def make() -> Change:
        made = change()
        return lambda request, answer: (
            made(request, answer) if request.query.get("sub") == code else answer(request)
        )

    return make


def row_more_above(book: Workbook) -> None:
    book.worksheets[0].insert_rows(4)


def unit_row(text: str) -> Callable[[Workbook], None]:
    """Another unit in the preamble."""

    def edit(book: Workbook) -> None:
        for (cell,) in book.worksheets[0].iter_rows(max_row=8, max_col=1):
            if str(cell.value).startswith("Enhet:"):
                cell.value = text

    return edit


def years_as_text(book: Workbook) -> None:
    for row in book.worksheets[0].iter_rows(max_row=10):
        for cell in row:
            if isinstance(cell.value, int | float) and 1900 < cell.value < 2100:
                cell.value = str(int(cell.value))


def dated(day: str) -> Callable[[Workbook], None]:
    """Another publisher's date in the preamble."""

    def edit(book: Workbook) -> None:
        book.worksheets[0]["B1"].value = f"Länsrapport, {day}"

    return edit


def figures_as_text(book: Workbook) -> None:
    for row in book.worksheets[0].iter_rows(min_row=9, min_col=5):
        for cell in row:
            if isinstance(cell.value, int | float):
                cell.value = f"{cell.value:.5f}".replace(".", ",")


FILE = "GET /smhi/api/getexcelfile"
SMHI = (
    Variation(
        id="emissions: a row more above the head", source="smhi_emissions", route=FILE, substance="ghg",
        make=for_substance("GGT", workbooks(row_more_above)), expected="accepted",
    ),
    Variation(
        id="emissions: years as text", source="smhi_emissions", route=FILE, substance="ghg",
        make=for_substance("GGT", workbooks(years_as_text)), expected="accepted",
    ),
    Variation(
        id="emissions: figures as text with a decimal comma", source="smhi_emissions", route=FILE,
        substance="ghg", make=for_substance("GGT", workbooks(figures_as_text)), expected="accepted",
    ),
    Variation(
        id="emissions: kilotonnes", source="smhi_emissions", route=FILE, substance="co2",
        make=for_substance("CO2", workbooks(unit_row("Enhet: kiloton/år"))), expected="refused",
        says=("kiloton",),
    ),
    Variation(
        id="emissions: an error page with status 200", source="smhi_emissions", route=FILE, substance="co2",
        make=for_substance("CO2", instead(HTML)), expected="refused", says=("co2",),
    ),
    Variation(
        id="emissions: half a workbook", source="smhi_emissions", route=FILE, substance="co2",
        make=for_substance("CO2", bodies(lambda body: body[: len(body) // 2])), expected="refused",
        says=("co2",),
    ),
    Variation(
        id="emissions: dated in years to come", source="smhi_emissions", route=FILE, substance="co2",
        make=for_substance("CO2", workbooks(dated(FUTURE))), expected="held", says=(FUTURE,),
    ),
    Variation(
        id="emissions: one gas is not there", source="smhi_emissions", route=FILE, substance="sf6",
        make=for_substance("SF6", instead(GONE)), expected="refused", says=("HTTP 404",),
    ),
)  # fmt: skip
VARIATIONS = (
    *POPULATION,
    *DENSITY,
    *INVENTORY,
    *ENERGY,
    *FORECAST,
    *KOLADA,
    *TRAFA,
    *KLIMATKLIVET,
    *EU_ETS,
    *SMHI,
)
