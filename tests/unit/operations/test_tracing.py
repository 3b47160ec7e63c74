"""The form of a trace: numbers of steps, what is told once, what contradicts."""

from __future__ import annotations

import datetime as dt
import json

from klimatpuls.operations.tracing import Cell, File, Step, Trace, render_lines, show, to_json

CELL = Cell(release_id="r", row=42, sheet="Blad", column="N", content="60", number=60.0)
FILE = File(
    release_id="r",
    sha256="ab" * 32,
    url="https://example.org/workbook",
    published_date=dt.date(2026, 5, 7),
    retrieved_at=dt.datetime(2026, 5, 8, 9, tzinfo=dt.UTC),
    size_bytes=12,
    kept=("/home/snapshots/objects/ab/abab",),
    same_content=("cd" * 32,),
)


def example() -> Trace:
    """100 t less a cell of 60 t, both ways told twice."""
    cell = Step(what="emissions", which={"year": "2024"}, value=60.0, unit="t CO2e", sign="−", cell=CELL)
    level = Step(what="level", value=100.0, inputs=[cell])
    gap = Step(
        what="gap",
        value=40.0,
        formula_sv="Nivå minus utsläpp.",
        formula_en="Level less emissions.",
        section=6,
        method_version="1.1",
        inputs=[level, cell],
        recomputed=40.0,
    )
    return Trace(title="an example", steps=[gap, level], files={"r": FILE}, publication_id=7)


def test_a_step_is_told_once_and_named_after_that() -> None:
    told = [(number, step.what, before) for number, step, before in example().numbered()]
    assert told == [
        ("1", "gap", ""),
        ("1.1", "level", ""),
        ("1.1.1", "emissions", ""),
        ("1.2", "emissions", "1.1.1"),
        ("2", "level", "1.1"),
    ]


def test_a_reader_finds_formula_cell_and_file() -> None:
    text = "\n".join(render_lines(example()))
    for part in (
        "1  gap = 40",
        "Level less emissions. (methods section 6, version 1.1)",
        "− emissions [year 2024] = 60 t CO2e",
        "cell N42, sheet 'Blad': 60; release r",
        "(see 1.1)",
        "publication 7",
        "publisher's date 2026-05-07, retrieved 2026-05-08 09:00Z",
        "sha256 " + "ab" * 32,
        "kept as /home/snapshots/objects/ab/abab",
        "came also as " + "cd" * 32,
    ):
        assert part in text, part


def test_json_has_every_step_once_with_its_inputs_by_number() -> None:
    told = json.loads(json.dumps(to_json(example())))
    assert told["asked"] == ["1", "1.1"]
    assert set(told["steps"]) == {"1", "1.1", "1.1.1"}
    assert told["steps"]["1"]["inputs"] == ["1.1", "1.1.1"]
    assert told["steps"]["1.1.1"]["cell"]["column"] == "N"
    assert told["files"]["r"]["published_date"] == "2026-05-07"


def test_a_number_that_its_file_or_its_inputs_contradict_is_told() -> None:
    trace = example()
    assert trace.disagreements() == []
    trace.steps[0].value = 41.0
    trace.steps[1].inputs[0].value = 61.0
    assert trace.disagreements() == [
        "1 gap: its inputs give 40.0, published is 41.0",
        "1.1.1 emissions: the file says 60, the warehouse 61.0",
    ]
    assert "DOES NOT AGREE" in "\n".join(render_lines(trace))


def test_numbers_are_shown_as_a_reader_writes_them() -> None:
    assert [show(value) for value in (146060.39, -8396.0, 0.0461234567, 2030, True, ["a", "b"])] == [
        "146 060.39",
        "−8 396",
        "0.0461",
        "2030",
        "True",
        "a, b",
    ]
