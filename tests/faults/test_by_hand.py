"""Files given by hand: every source knows its own, and what is none is refused in a sentence."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support import pipeline_run
from support.hostile_files import HOSTILE

from klimatpuls.contract import catalog
from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import KlimatpulsError, SourceFormatError, UsageError, WrongHomeError
from klimatpuls.fetch.http import Limits, open_session
from klimatpuls.files import synthetic_mark
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.pipeline import load, recognise_file, snapshot, validate
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Published, Warehouse

DATASETS = [entry.id for source in SOURCES.values() for entry in source.datasets if not entry.by_hand]


@pytest.fixture(scope="module")
def answers(wholly_good: Published) -> dict[str, tuple[bytes, ...]]:
    """Dataset → its bytes as the mock agencies send them."""
    as_of = wholly_good.context.as_of
    found: dict[str, tuple[bytes, ...]] = {}
    with MockServer(MockAgencies(wholly_good.archive, as_of)) as mock_server:
        for source in map(pipeline_run.unthrottled, SOURCES.values()):
            with open_session(source, mock_server.url + source.mock_path) as session:
                for entry in source.datasets:
                    if entry.by_hand or entry.by_setting:
                        continue
                    try:
                        fetched = snapshot.source_module(source).fetch(
                            session, session.base_url, entry.id, entry.substances[0], as_of=as_of
                        )
                    except KlimatpulsError:
                        continue  # not in the archive as of this day
                    found[entry.id] = fetched.parts
    assert {catalog.source_of(dataset).id for dataset in found} == set(SOURCES)
    return found


def accepts(dataset: str, body: bytes, substance: str | None) -> bool:
    try:
        snapshot.source_module(catalog.source_of(dataset)).parse([body], dataset, substance)
    except SourceFormatError:
        return False
    return True


@pytest.mark.postgres
def test_every_source_knows_its_own_files_and_what_its_parser_accepts(
    answers: dict[str, tuple[bytes, ...]], tmp_path: Path
) -> None:
    known_of: dict[str, set[str]] = {}
    for dataset, parts in answers.items():
        entry, source = catalog.dataset(dataset), catalog.source_of(dataset).id
        for number, body in enumerate(parts):
            file = tmp_path / f"{dataset}-{number}"
            file.write_bytes(body)
            try:
                known = snapshot.recognise_file(file).known
            except SourceFormatError:
                assert not accepts(dataset, body, entry.substances[0]), dataset
                continue
            assert known.source == source
            known_of.setdefault(source, set()).add(known.dataset)
            if accepts(dataset, body, entry.substances[0]):
                assert accepts(known.dataset, body, known.substance)
    assert set(known_of) == set(SOURCES), "of every source at least one part is known alone"


@pytest.mark.postgres
def test_a_file_of_another_source_is_loaded_like_an_answer(
    answers: dict[str, tuple[bytes, ...]], warehouse: Warehouse, tmp_path: Path
) -> None:
    context = pipeline_run.context_of(tmp_path / "home", pipeline_run.date(2026, 5, 8))
    for dataset in ("scb_population", "klimatklivet"):
        source = catalog.source_of(dataset)
        file = tmp_path / f"{dataset}.file"
        file.write_bytes(with_day(answers[dataset][-1]))
        kept = snapshot.keep_file(file, context)
        assert (kept.source, kept.dataset) == (source.id, dataset)
        with closing(connect(warehouse.loader_dsn)) as conn:
            run_id = pipeline_run.begin(conn, source, context)
            snapshot.adopt_by_hand(conn, source, context, run_id=run_id, manifest_path=kept.manifest_path)
            result = load.load_run(conn, source, run_id, context)
            assert list(result.rows.values()) > [0], result.quarantined
            assert validate.validate_run(conn, warehouse.loader_dsn, source, run_id, context).publishable


def with_day(body: bytes) -> bytes:
    """A workbook that says when it was last changed, as one that a program saved does."""
    if not body.startswith(b"PK"):
        return body
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as good, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as other:
        for name in good.namelist():
            text = good.read(name)
            if name == workbook.PROPERTIES_PART:
                said = b"<dcterms:modified>2026-04-02T10:00:00Z</dcterms:modified></cp:coreProperties>"
                text = text.replace(b"</cp:coreProperties>", said)
                text = text.replace(b"xmlns:dc=", b'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:dc=')
            other.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "an empty body"),
        (b"<!DOCTYPE html><html><title>Fel</title></html>", "an HTML page titled 'Fel'"),
        (b'{"error": "no"}', "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"name;value\n1;2\n", "neither a zip nor a known text"),
        (workbook.build_workbook([["en", "egen"], ["tabell", 1]], sheet_name="x"), "it may be a workbook"),
    ],
    ids=["empty", "page", "json", "deep json", "csv", "workbook"],
)
def test_a_file_nobody_knows_is_told_with_what_each_source_looks_for(
    tmp_path: Path, body: bytes, words: str
) -> None:
    file = tmp_path / "given.xlsx"
    file.write_bytes(body)
    with pytest.raises(SourceFormatError) as caught:
        snapshot.recognise_file(file)
    said = str(caught.value)
    assert said.startswith("given.xlsx: no source knows this file")
    assert words in said
    assert "Nothing was kept" in said
    for source in SOURCES:
        assert f"\n  {source}: " in said


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_given_by_hand_ends_in_a_sentence(tmp_path: Path, name: str) -> None:
    file = tmp_path / "given.xlsx"
    file.write_bytes(HOSTILE[name][0]())
    began = time.process_time()
    with pytest.raises(SourceFormatError):
        snapshot.recognise_file(file)
    assert time.process_time() - began < 10


def test_what_is_no_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    pipe, dangling, huge = tmp_path / "pipe", tmp_path / "link", tmp_path / "huge"
    os.mkfifo(pipe)
    dangling.symlink_to(tmp_path / "gone")
    with huge.open("wb") as file:
        file.truncate(Limits().max_bytes + 1)
    for path, words in (
        (tmp_path, "a folder"),
        (pipe, "a named pipe"),
        (dangling, "a symbolic link to"),
        (huge, "more than the"),
        (tmp_path / "nothing", "no file that can be read"),
        (tmp_path / "nothing\0", "no file that can be read"),
    ):
        with pytest.raises(UsageError) as caught:
            snapshot.recognise_file(path)
        assert words in str(caught.value)


def test_a_symbolic_link_to_a_file_is_that_file(tmp_path: Path, small_archive: Path) -> None:
    (real,) = (small_archive / "smhi").glob("GGT*2026*.xlsx")
    link = tmp_path / "newest.xlsx"
    link.symlink_to(real)
    given = snapshot.recognise_file(link)
    assert (given.known.dataset, given.known.substance) == ("smhi_emissions", "ghg")


@pytest.mark.parametrize("is_marked", [True, False])
def test_made_up_figures_and_others_are_kept_apart(tmp_path: Path, is_marked: bool) -> None:
    from klimatpuls.cli import session
    from klimatpuls.local.home import Home

    rows: list[list[Any]] = [["x"]]
    title = f"{synthetic_mark.SYNTHETIC_MARK}: no real figure" if is_marked else ""
    body = workbook.build_workbook(rows, sheet_name="a", properties=workbook.Properties(title=title))
    assert synthetic_mark.is_synthetic(body) is is_marked
    given = snapshot.RecognisedFile(
        name="given.xlsx",
        body=body,
        known=recognise_file.FileIdentity(source="smhi_emissions", dataset="smhi_emissions", substance="ghg"),
        is_synthetic=is_marked,
    )
    for origin in ("synthetic", "live"):
        home = Home(tmp_path / origin)
        home.claim(origin)
        if is_marked is (origin == "synthetic"):
            session._check_origin(home, given)
        else:
            with pytest.raises(WrongHomeError, match=r"given\.xlsx"):
                session._check_origin(home, given)


@pytest.mark.parametrize(
    ("body", "is_marked"),
    [
        (b'{"values": [{"id": "N00001", "title": "SYNTHETIC emissions"}]}', True),
        (b'{"values": [{"id": "N00001", "title": "Utsl\xc3\xa4pp"}]}', False),
        (workbook.build_workbook([["SYNTHETIC: made up"]], sheet_name="a"), True),
        (b"PK\x03\x04 no zip", False),
    ],
)
def test_other_files_say_so_in_their_first_words(body: bytes, is_marked: bool) -> None:
    assert synthetic_mark.is_synthetic(body) is is_marked


ANSWERS = ("scb_population", "scb_national_emissions", "scb_energy", "trafa_vehicles")
"""Sources that answer in JSON, whose archive says nothing in the figures themselves."""


@pytest.mark.parametrize("origin", ["synthetic", "archive"])
@pytest.mark.parametrize("source_id", ANSWERS)
def test_an_answer_of_a_synthetic_archive_says_so_and_no_other_does(
    tmp_path: Path, whole_archive: Path, source_id: str, origin: str
) -> None:
    archive = tmp_path / "archive"
    shutil.copytree(whole_archive, archive)
    books = sorted(path.name for path in (archive / "smhi").glob("*.xlsx"))
    lines = ["path,origin,known_from", *(f"smhi/{name},{origin},2026-05-08" for name in books)]
    (archive / "manifest.csv").write_text("\n".join(lines) + "\n")
    source, day = pipeline_run.unthrottled(SOURCES[source_id]), date(2026, 11, 1)
    with (
        MockServer(MockAgencies(archive, day, calls=1_000)) as server,
        open_session(source, server.url + source.mock_path) as session,
    ):
        module = snapshot.source_module(source)
        (dataset, *_) = source.datasets
        parts = module.fetch(session, session.base_url, dataset.id, None, as_of=day).parts
    found = [known for part in parts if (known := recognise_file.recognise(part)) is not None]
    assert found
    assert {known.source for known, _ in found} == {source_id}
    assert {is_marked for _, is_marked in found} == {origin == "synthetic"}
    assert not module.parse(parts, dataset.id, None).rows.empty
