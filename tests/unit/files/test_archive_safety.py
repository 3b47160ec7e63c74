"""Nothing that is no workbook, or costs more than one, reaches the reader."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from klimatpuls.errors import SourceFormatError
from klimatpuls.files.archive_safety import check_workbook, looks_like
from klimatpuls.mock_agencies.workbook import build_workbook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOOD = build_workbook([["a", "b"], [1, 2.5]], sheet_name="Blad")
SHEET = "xl/worksheets/sheet1.xml"


def _rule(body: bytes) -> tuple[str, str]:
    with pytest.raises(SourceFormatError) as caught:
        check_workbook(body, what="smhi_emissions ghg")
    assert str(caught.value).startswith("smhi_emissions ghg: ")
    return caught.value.rule, str(caught.value)


def _zip(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, body in {"xl/workbook.xml": b"<workbook/>", **parts}.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def test_a_workbook_passes_and_is_counted():
    inflated = check_workbook(GOOD, what="x")
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        assert inflated == sum(entry.file_size for entry in archive.infolist())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "an empty body"),
        (b"  \r\n", "an empty body"),
        (b"<!DOCTYPE html><html><head><title>Tekniskt\n fel</title>", "an HTML page titled 'Tekniskt fel'"),
        (b"\xef\xbb\xbf<html><body>", "an HTML page"),
        (b'{"error": "unknown substance"}', "JSON"),
        (b"<?xml version='1.0'?><error/>", "XML"),
        (b"Huvudsektor;Undersektor", "neither a zip nor a known text"),
    ],
)
def test_a_body_that_is_no_zip_is_named_for_what_it_looks_like(body: bytes, words: str):
    rule, message = _rule(body)
    assert rule == "not_a_workbook"
    assert words in message
    assert words in looks_like(body)


def test_an_older_or_encrypted_workbook_is_said_to_be_one():
    rule, message = _rule(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512))
    assert (rule, "encrypted" in message) == ("encrypted_workbook", True)


def test_an_encrypted_entry():
    body = bytearray(GOOD)
    at = body.index(b"PK\x01\x02")
    body[at + 8] |= 1
    assert _rule(bytes(body))[0] == "encrypted_workbook"


def test_a_zip_that_holds_something_else():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.csv", "a;b")
    rule, message = _rule(buffer.getvalue())
    assert (rule, "data.csv" in message) == ("not_a_workbook", True)


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.9, 0.999])
def test_a_truncated_workbook(kept: float):
    assert _rule(GOOD[: int(len(GOOD) * kept)])[0] == "truncated_workbook"


def test_damaged_bytes_inside_an_entry():
    random.seed(1)
    body = bytearray(_zip({SHEET: random.randbytes(5000)}, zipfile.ZIP_STORED))
    body[3000] ^= 0xFF
    rule, message = _rule(bytes(body))
    assert (rule, "checksum" in message) == ("truncated_workbook", True)


def test_a_directory_that_points_elsewhere():
    body = bytearray(GOOD)
    at = body.index(b"PK\x01\x02")
    body[at + 42 : at + 46] = struct.pack("<L", 7)
    assert _rule(bytes(body))[0] == "truncated_workbook"


def test_a_compression_no_workbook_uses():
    rule, message = _rule(_zip({SHEET: b"x" * 100}, zipfile.ZIP_BZIP2))
    assert (rule, "compression 12" in message) == ("not_a_workbook", True)


def _claim(body: bytes, true_size: int, claimed: int) -> bytes:
    return body.replace(struct.pack("<L", true_size), struct.pack("<L", claimed))


@pytest.mark.parametrize(
    "make",
    [
        lambda: _zip({SHEET: bytes(70 * 2**20)}),
        lambda: _claim(_zip({SHEET: bytes(70 * 2**20)}), 70 * 2**20, 4711),
        lambda: _claim(_zip({SHEET: bytes(40 * 2**20)}), 40 * 2**20, 4711),
        lambda: _zip({f"xl/media/{number}.png": b"" for number in range(100)}),
        lambda: _zip({SHEET: b'<row r="1048576"><c r="A1048576"><v>1</v></c></row>'}),
        lambda: _zip({SHEET: b"<c r = 'XFD1'><v>1</v></c>"}),
        lambda: _zip({SHEET: b'<c r="A1"><v>1</v></c><c r="BA7"><v>1</v></c>'}),
        lambda: _zip(
            {
                SHEET: b'<c t="s"><v>0</v></c>' * 40_000,
                "xl/sharedStrings.xml": b"<sst><si><t>"
                + random.Random(1).randbytes(2000).hex().encode()
                + b"</t></si></sst>",
            }
        ),
    ],
    ids=["size", "lied size", "ratio", "entries", "far row", "far column", "beyond AZ", "shared text"],
)
def test_a_bomb_is_refused(make: Callable[[], bytes]):
    assert _rule(make())[0] == "zip_bomb"


def test_a_far_cell_is_seen_across_the_seam_of_two_chunks():
    filler = bytes(random.Random(2).choices(b"abcdefghij klmn", k=2**18 - 7))
    assert _rule(_zip({SHEET: filler + b'<c r="XFD1"><v>1</v></c>'}))[0] == "zip_bomb"


def _related(target: str, name: str, text: bytes) -> bytes:
    """A workbook whose sheet lies where its relationships say."""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    related = f'<x:Relationship Id="rId1" Target="{target}" Type="{kind}"/>'
    return _zip({"xl/_rels/workbook.xml.rels": related.encode(), name: text})


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("o/s.xml", "xl/o/s.xml"),
        ("/xl/o/s.xml", "xl/o/s.xml"),
        ("../s.xml", "s.xml"),
        ("O/S.XML", "xl/o/s.xml"),
    ],
)
def test_a_sheet_is_one_wherever_the_workbook_says_it_lies(target: str, name: str):
    assert _rule(_related(target, name, b'<c r="XFD1048576"><v>1</v></c>'))[0] == "zip_bomb"
    assert check_workbook(_related(target, name, b'<c r="A1"><v>1</v></c>'), what="x") > 0


def test_relationships_that_never_end_are_no_workbook():
    body = _zip({"xl/_rels/workbook.xml.rels": random.Random(3).randbytes(2**20 + 1)})
    assert _rule(body)[0] == "zip_bomb"


@pytest.mark.parametrize("part", ["xl/styles.xml", "xl/sharedStrings.xml"])
def test_styles_and_strings_may_repeat_themselves(part: str):
    assert check_workbook(_zip({part: b'<xf numFmtId="0"/>' * 200_000}), what="x") > 0
    assert _rule(_zip({SHEET: b'<xf numFmtId="0"/>' * 200_000}))[0] == "zip_bomb"


def test_shared_texts_are_measured_whatever_their_prefix():
    text = b"<x:si><x:t>Alla</x:t></x:si>" * 3_000
    body = _zip({SHEET: b'<x:c r="A1" t="s"><x:v>0</x:v></x:c>' * 40_000, "xl/sharedStrings.xml": text})
    with pytest.raises(SourceFormatError, match="over 100 to 1"):
        check_workbook(body, what="x")
    cells = b"".join(
        b'<x:c r="A%d" t="s"><x:v>%d</x:v></x:c>' % (n, n * 7919 % 10_007) for n in range(40_000)
    )
    assert check_workbook(_zip({SHEET: cells, "xl/sharedStrings.xml": text}), what="x") > 0


def test_a_cell_within_bounds_passes():
    body = _zip(
        {SHEET: b'<row r="99999"><c r="AZ99999"><v>1</v></c></row><pageSetup pageOrder="downThenOver"/>'}
    )
    assert check_workbook(body, what="x") > 0


def test_a_large_bomb_costs_neither_time_nor_memory(tmp_path: Path):
    """600 MB in a small file: under a second of processor time, in an address space of 300 MB."""
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open(SHEET, "w", force_zip64=True) as sheet:
            for _ in range(600):
                sheet.write(bytes(2**20))
    script = (
        "import pathlib, resource, sys, time\n"
        "from klimatpuls.files.archive_safety import check_workbook\n"
        "from klimatpuls.errors import SourceFormatError\n"
        "limit = 300 * 10**6\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "began = time.process_time()\n"
        "try:\n"
        "    check_workbook(pathlib.Path(sys.argv[1]).read_bytes(), what='bomb')\n"
        "except SourceFormatError as error:\n"
        "    print(error.rule, time.process_time() - began)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, str(bomb)], capture_output=True, text=True, check=True, timeout=60
    )
    rule, seconds = answer.stdout.split()
    assert rule == "zip_bomb"
    assert float(seconds) < 1.0
