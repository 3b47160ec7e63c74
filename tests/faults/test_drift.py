"""What agencies do to their files: every broken or odd input has one verdict, and nothing published moves.

Each case takes the good answer of a source, harms it as a publisher might, and sends it through the hops of a
warehouse in which earlier figures of every source are published.
"""

from __future__ import annotations

import io
import json
import math
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import chain
import openpyxl
import pytest

from klimatpuls import catalog
from klimatpuls.hops import load, publish, snapshot, validate
from klimatpuls.http import open_session
from klimatpuls.releases import content_sha256
from klimatpuls.replica import workbook
from klimatpuls.replica.server import Replica, ReplicaServer
from klimatpuls.sources import smhi_emissions
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import warehouse_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Published, Warehouse

    from klimatpuls.hops.context import RunContext
    from klimatpuls.releases import Fetched

pytestmark = pytest.mark.postgres

Rows = list[list[Any]]
Parts = list[Any]
REST = ("kolada", "trafa_vehicles", "klimatklivet")
"""Sources whose figures the small archive does not hold."""


@dataclass(frozen=True)
class Drift:
    """One way in which a source drifts.

    Attributes:
        dataset: Dataset whose answer is harmed.
        harm: What is done to the good answer.
        verdict: The one verdict that may follow.
        words: What the operator is told, where somebody must act.
        reads_as_good: Whether the same figures come out of it as out of the good answer.
    """

    dataset: str
    harm: Callable[[Any], Any]
    verdict: str
    words: tuple[str, ...] = ()
    reads_as_good: bool = False


# ------------------------------------------------------------------------------------------- the harm


def edit(change: Callable[[Rows], Rows | None], **book: Any) -> Callable[[Rows], list[bytes]]:
    """Harm the sheet of a workbook."""

    def harm(good: Rows) -> list[bytes]:
        rows = [list(row) for row in good]
        return [
            workbook.build_workbook(change(rows) or rows, **{"sheet_name": "Växthusgaser totalt", **book})
        ]

    return harm


def hidden_sheet_first(good: Rows) -> list[bytes]:
    """A hidden sheet of notes before the table."""
    book = openpyxl.load_workbook(io.BytesIO(edit(as_is)(good)[0]))
    notes = book.create_sheet("Anteckningar", 0)
    notes.append(["Ändrat av", "någon"])
    notes.sheet_state = "hidden"
    body = io.BytesIO()
    book.save(body)
    return [body.getvalue()]


def at_header(rows: Rows) -> int:
    return next(at for at, row in enumerate(rows) if row[:2] == ["Huvudsektor", "Undersektor"])


def row_of(rows: Rows, main: str, municipality: str) -> list[Any]:
    return next(row for row in rows if len(row) > 3 and (row[0], row[3]) == (main, municipality))


def as_is(rows: Rows) -> None:
    """The good sheet itself."""


def moved_header(rows: Rows) -> Rows:
    return [*rows[:3], ["Nytt för i år: läs mer på webben"], *rows[3:]]


def new_column(rows: Rows) -> None:
    at = at_header(rows)
    for place, row in enumerate(rows[at:]):
        row.append("Kommentar" if place == 0 else "se not 3")


def dropped_column(rows: Rows) -> None:
    for row in rows[at_header(rows) :]:
        del row[2]


def dropped_years(rows: Rows) -> None:
    for row in rows[at_header(rows) - 1 :]:
        del row[5:7]


def year_in_the_future(rows: Rows) -> None:
    at = at_header(rows)
    for row in rows[at - 1 : at + 1]:
        for place, cell in enumerate(row):
            if str(cell) == "2024":
                row[place] = 2031


def text_years(rows: Rows) -> None:
    at = at_header(rows)
    for row in rows[at - 1 : at + 1]:
        row[:] = [f" {cell} " if str(cell).isdigit() else cell for cell in row]


def renamed(column: int, old: str, new: str) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        for row in rows[at_header(rows) :]:
            if len(row) > column and row[column] == old:
                row[column] = new

    return change


def line(start: str, new: str) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        at = next(at for at, row in enumerate(rows) if row and str(row[0]).startswith(start))
        rows[at] = [new]

    return change


def new_sector(rows: Rows) -> Rows:
    extra = [["Rymdfart", *row[1:]] for row in rows if row[:1] == ["Jordbruk"]]
    return rows + extra


def number_as(text: Callable[[float], str]) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        row = row_of(rows, "Jordbruk", "Tierp")
        row[4:] = [text(cell) for cell in row[4:]]

    return change


def swedish(value: float) -> str:
    """1234.5 as a Swedish sheet writes it: a no-break space between thousands, a decimal comma."""
    return f"{value:,.9f}".replace(",", "\u00a0").replace(".", ",")


def power_of_ten(value: float) -> str:
    mantissa, exponent = f"{value:.12e}".split("e")
    sign = "\u2212" if exponent.startswith("-") else ""
    return f"{mantissa.replace('.', ',')}×10^{sign}{int(exponent.lstrip('+-'))}"


def minus_one(rows: Rows) -> None:
    row_of(rows, "Jordbruk", "Tierp")[4] = "\u22121,5"


def merged(rows: Rows) -> Rows:
    kept = []
    by_sector = {row[0]: row for row in rows if len(row) > 3 and row[3] == "Uppsala"}
    for row in rows:
        if len(row) > 3 and row[3] == "Knivsta":
            into = by_sector[row[0]]
            into[4:] = [a + b for a, b in zip(into[4:], row[4:], strict=True)]
        else:
            kept.append(row)
    return kept


def without(municipality: str) -> Callable[[Rows], Rows]:
    return lambda rows: [row for row in rows if len(row) < 4 or row[3] != municipality]


def twice(municipality: str) -> Callable[[Rows], Rows]:
    return lambda rows: rows + [list(row) for row in rows if len(row) > 3 and row[3] == municipality]


def total_row(rows: Rows) -> Rows:
    values = row_of(rows, "Alla", "Alla")[4:]
    return [*rows, ["Summa", "Summa", "Summa", "Summa", *values]]


def times(factor: float) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        for row in rows[at_header(rows) + 1 :]:
            if len(row) > 4:
                row[4:] = [cell * factor for cell in row[4:]]

    return change


def no_rows(rows: Rows) -> Rows:
    return rows[: at_header(rows) + 1]


def wrong_sum(rows: Rows) -> None:
    row_of(rows, "Jordbruk", "Tierp")[4] += 1000.0


def body(content: bytes) -> Callable[[Any], list[bytes]]:
    return lambda _: [content]


def documents(change: Callable[[list[Any]], list[Any] | None]) -> Callable[[list[bytes]], list[bytes]]:
    """Harm answers of JSON."""

    def harm(good: list[bytes]) -> list[bytes]:
        read = [json.loads(part) for part in good]
        return [json.dumps(part, ensure_ascii=False).encode() for part in change(read) or read]

    return harm


def category(cube: Any, dimension: str) -> Any:
    return cube["dimension"][dimension]["category"]


def renamed_code(dimension: str, old: str, new: str) -> Callable[[list[Any]], None]:
    def change(cubes: list[Any]) -> None:
        for cube in cubes:
            held = category(cube, dimension)
            index = held["index"]
            held["index"] = {new if code == old else code: at for code, at in index.items()}
            held["label"] = {new if code == old else code: name for code, name in held["label"].items()}

    return change


def new_code(dimension: str, code: str, label: str) -> Callable[[list[Any]], None]:
    """One code more at the end of a variable, with nothing in its cells."""

    def change(cubes: list[Any]) -> None:
        for cube in cubes:
            at = cube["id"].index(dimension)
            after = math.prod(cube["size"][at + 1 :])
            block = cube["size"][at] * after
            values = cube["value"]
            cube["value"] = [
                value
                for start in range(0, len(values), block)
                for value in [*values[start : start + block], *[0] * after]
            ]
            category(cube, dimension)["index"][code] = cube["size"][at]
            category(cube, dimension)["label"][code] = label
            cube["size"][at] += 1

    return change


def shifted(cubes: list[Any]) -> None:
    for cube in cubes:
        cube["value"] = cube["value"][1:] + cube["value"][:1]


def unit_of(new: str) -> Callable[[list[Any]], None]:
    def change(cubes: list[Any]) -> None:
        for cube in cubes:
            for unit in category(cube, "ContentsCode")["unit"].values():
                unit["base"] = new

    return change


def two_dots(cubes: list[Any]) -> None:
    cubes[0]["value"][7] = None
    cubes[0].setdefault("status", {})["7"] = ".."


def cut_short(pages: list[Any]) -> None:
    pages[-1]["next_url"] = "https://api.kolada.se/v3/data?page=99"


def without_last_answer(pages: list[Any]) -> list[Any]:
    return pages[:-1]


def values_of(pages: list[Any]) -> Iterator[Any]:
    for page in pages:
        for entry in page["values"]:
            if "title" not in entry:
                yield entry


def deleted_rows(pages: list[Any]) -> None:
    """A correction of one figure, and the figure it replaces marked as deleted."""
    entry = next(entry for entry in values_of(pages) if entry["values"] and entry["values"][0]["value"])
    held = entry["values"][0]
    entry["values"] = [{**held, "isdeleted": True}, {**held, "value": held["value"] * 1.001}]


def retitled(pages: list[Any]) -> None:
    entry = next(entry for page in pages for entry in page["values"] if "title" in entry)
    entry["title"] = "Något helt annat"


def unknown_area(pages: list[Any]) -> None:
    next(iter(values_of(pages)))["municipality"] = "9999"


# ------------------------------------------------------------------------------------------ the cases

CASES: dict[str, Drift] = {
    **{
        # The warning is the scope break of 2023, which every release since names.
        name: Drift("smhi_emissions", harm, "publish_with_warnings", ("scope_break",), reads_as_good=True)
        for name, harm in {
            "the good sheet": edit(as_is),
            "renamed sheet": edit(as_is, sheet_name="Blad1"),
            "hidden sheet": hidden_sheet_first,
            "moved header": edit(moved_header),
            "text years": edit(text_years),
            "decimal comma and thousands apart": edit(number_as(swedish)),
            "powers of ten with a Unicode minus": edit(number_as(power_of_ten)),
        }.items()
    },
    "a negative figure": Drift("smhi_emissions", edit(minus_one), "quarantine", ("not_negative", "Tierp")),
    "new column": Drift("smhi_emissions", edit(new_column), "quarantine", ("unexpected_column", "Kommentar")),
    "dropped column": Drift(
        "smhi_emissions", edit(dropped_column), "quarantine", ("header_not_found", "Län")
    ),
    "dropped years": Drift("smhi_emissions", edit(dropped_years), "publish_with_warnings"),
    "a year in the future": Drift(
        "smhi_emissions", edit(year_in_the_future), "quarantine", ("years", "2031")
    ),
    "new sector": Drift("smhi_emissions", edit(new_sector), "quarantine", ("unknown_names", "Rymdfart")),
    "misspelt sector": Drift(
        "smhi_emissions",
        edit(renamed(0, "Jordbruk", "Jordbrukk")),
        "quarantine",
        ("unknown_names", "Jordbrukk"),
    ),
    "new gas": Drift(
        "smhi_emissions", edit(line("Emissioner av", "Emissioner av NF3")), "quarantine", ("NF3",)
    ),
    "kt for t": Drift("smhi_emissions", edit(line("Enhet", "Enhet: kt/år")), "quarantine", ("kt/år",)),
    "municipality renamed": Drift(
        "smhi_emissions",
        edit(renamed(3, "Tierp", "Norduppland")),
        "quarantine",
        ("unknown_names", "Norduppland", "0360"),
    ),
    "municipality merged": Drift("smhi_emissions", edit(merged), "quarantine", ("complete_areas", "Knivsta")),
    "municipality missing": Drift(
        "smhi_emissions", edit(without("Tierp")), "quarantine", ("complete_areas", "Tierp")
    ),
    "municipality twice": Drift(
        "smhi_emissions", edit(twice("Tierp")), "quarantine", ("rejected_cells", "duplicate")
    ),
    "total row at the bottom": Drift(
        "smhi_emissions", edit(total_row), "quarantine", ("unknown_names", "Summa")
    ),
    "revised old years": Drift("smhi_emissions", edit(times(1.2)), "hold", ("hold_moved",)),
    "a sum that does not add up": Drift(
        "smhi_emissions", edit(wrong_sum), "quarantine", ("sector_sum", "Tierp")
    ),
    "a table without rows": Drift("smhi_emissions", edit(no_rows), "quarantine", ("no_data_rows",)),
    "an empty answer": Drift("smhi_emissions", body(b""), "quarantine", ("not_a_workbook", "empty")),
    "HTML with status 200": Drift(
        "smhi_emissions", body(b"<!DOCTYPE html><html>Tekniskt fel</html>"), "quarantine", ("HTML",)
    ),
    "wrong municipality codes": Drift(
        "scb_population",
        documents(renamed_code("Region", "0360", "0399")),
        "quarantine",
        ("population_complete", "Tierp"),
    ),
    "positional codes shifted": Drift(
        "scb_population", documents(shifted), "quarantine", ("population_sum",)
    ),
    "persons in thousands": Drift(
        "scb_population", documents(unit_of("tusental")), "quarantine", ("tusental",)
    ),
    "a cell of two dots": Drift("scb_population", documents(two_dots), "quarantine", ("..",)),
    "status 200 carrying an error": Drift(
        "scb_population", body(b'{"type": "Parameter error", "status": 400}'), "quarantine", ("Parameter",)
    ),
    "unknown energy consumer": Drift(
        "scb_energy",
        documents(new_code("Forbrukningskategri", "977", "vätgas")),
        "quarantine",
        ("unknown_code", "977"),
    ),
    "energy parts that do not add up": Drift("scb_energy", documents(shifted), "quarantine", ("energy_sum",)),
    "national emissions in tonnes": Drift(
        "scb_national_emissions", documents(unit_of("ton")), "quarantine", ("wrong_unit", "ton")
    ),
    "last page missing": Drift("kolada", documents(cut_short), "quarantine", ("page_missing",)),
    "last answer missing": Drift("kolada", documents(without_last_answer), "hold", ("fact_vanished",)),
    "deleted rows": Drift("kolada", documents(deleted_rows), "publish"),
    "an area nobody knows": Drift("kolada", documents(unknown_area), "quarantine", ("9999",)),
    "a key figure with another title": Drift("kolada_kpi", documents(retitled), "hold", ("indicator_title",)),
}


# ------------------------------------------------------------------------------------- the good answers


def _ask(archive: Path, context: RunContext, dataset: str, substance: str | None) -> Fetched:
    source = chain.unthrottled(catalog.source_of(dataset))
    with (
        ReplicaServer(Replica(archive, context.as_of)) as replica,
        open_session(source, replica.url + source.replica_path) as session,
    ):
        module = snapshot.source_module(source)
        return module.fetch(session, session.base_url, dataset, substance, as_of=context.as_of)


@pytest.fixture(scope="module")
def whole(small_archive: Path) -> Path:
    """The archive with the answers of every source."""
    return small_archive.parent / "whole"


@pytest.fixture(scope="module")
def everything(
    good: Published, clone: Callable[[str], Warehouse], whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """A warehouse in which figures of every source are published."""
    warehouse = clone(good.warehouse.name)
    context = replace(good.context, home=tmp_path_factory.mktemp("everything"))
    with closing(connect(warehouse.loader_dsn)) as conn:
        for name in REST:
            for dataset in catalog.SOURCES[name].datasets:
                if not dataset.by_hand:
                    result = feed(conn, warehouse.loader_dsn, context, _ask(whole, context, dataset.id, None))
                    assert result.state == "validated", result.explanations
        assert publish.publish_validated(conn, context, "list@example.org") is not None
        return replace(good, warehouse=warehouse, context=context, good_digest=warehouse_digest(conn))


@pytest.fixture
def target(everything: Published, clone: Callable[[str], Warehouse], tmp_path: Path) -> Published:
    """A clone of the test's own."""
    return replace(
        everything,
        warehouse=clone(everything.warehouse.name),
        context=chain.context_of(tmp_path / "home", everything.context.as_of + timedelta(days=1)),
    )


@pytest.fixture(scope="module")
def answers(whole: Path, good: Published) -> Callable[[str], Fetched]:
    """The good answer of a dataset; of SMHI's, the rows of a sheet dated a day later are harmed."""
    kept: dict[str, Fetched] = {}

    def answer(dataset: str) -> Fetched:
        if dataset not in kept:
            substance = "ghg" if dataset == "smhi_emissions" else None
            archive = good.archive if dataset.startswith(("smhi", "scb")) else whole
            kept[dataset] = _ask(archive, good.context, dataset, substance)
        return kept[dataset]

    return answer


@pytest.fixture(scope="module")
def sheet(answers: Callable[[str], Fetched]) -> Rows:
    parsed = smhi_emissions.parse(answers("smhi_emissions").parts, "smhi_emissions", "ghg")
    return chain.sheet_rows(parsed, parsed.published_date.replace(day=parsed.published_date.day + 1))


@pytest.fixture(scope="module")
def good_content(sheet: Rows) -> str:
    """The hash of the good sheet's figures."""
    return content_sha256(smhi_emissions.parse(edit(as_is)(sheet), "smhi_emissions", "ghg"))


def feed(conn: Any, dsn: str, context: RunContext, fetched: Fetched) -> validate.ValidationResult:
    """An answer through hops 1 to 3."""
    source = catalog.source_of(fetched.dataset)
    with conn:
        run = runs.start_run(
            conn, source=source.id, origin=context.origin, as_of=context.as_of, orchestrator_run=None
        )
    assert snapshot._enter(conn, source, snapshot._put(source, fetched, context), run.run_id)
    load.load_run(conn, source, run.run_id, context)
    return validate.validate_run(conn, dsn, source, run.run_id, context)


def verdict_of(conn: Any, run_id: int) -> str:
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT verdict FROM ops.validation WHERE run_id = %s", (run_id,))
        (found,) = cursor.fetchall()
    return str(found[0])


@pytest.mark.parametrize("case", CASES)
def test_every_drift_has_its_verdict(
    case: str, target: Published, answers: Callable[[str], Fetched], sheet: Rows, good_content: str
) -> None:
    drift, dsn = CASES[case], target.warehouse.loader_dsn
    fetched = answers(drift.dataset)
    harmed = drift.harm(sheet if drift.dataset == "smhi_emissions" else list(fetched.parts))
    with closing(connect(dsn)) as conn:
        changed = replace(fetched, parts=tuple(harmed), known_from=target.context.as_of)
        result = feed(conn, dsn, target.context, changed)
        told = "\n".join(result.explanations)
        assert verdict_of(conn, result.run_id) == drift.verdict, told
        assert [word for word in drift.words if word not in told] == [], told
        if drift.verdict in {"hold", "quarantine"}:
            assert publish.publish_validated(conn, target.context, "list@example.org") is None
            assert target.digest() == target.good_digest
        else:
            (release,) = result.publishable
            assert release.endswith(good_content[:8]) or not drift.reads_as_good


def test_every_verdict_is_among_them() -> None:
    assert {drift.verdict for drift in CASES.values()} == {
        "publish", "publish_with_warnings", "hold", "quarantine",
    }  # fmt: skip
    assert len(CASES) >= 24
