"""A zip file is read as far as its parts hold, never as far as its directory claims."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from klimatpuls.files.zip_parts import ZipParts, ZipPartsError, read_part


def made(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def read_all(body: bytes, **limits: int) -> list[bytes]:
    parts = ZipParts(body, **{"max_bytes": 1_000_000, **limits})
    return [parts.read(name) for name in parts.names]


def trouble(body: bytes, **limits: int) -> str:
    with pytest.raises(ZipPartsError) as caught:
        read_all(body, **limits)
    return caught.value.trouble


def test_parts_are_found_by_name_in_any_case_and_with_either_slash():
    parts = ZipParts(made({"Xl/Workbook.xml": b"a", "b\\c": b"d"}), max_bytes=100)
    assert (parts.read("xl/workbook.xml"), parts.read("B/C"), parts.read("none")) == (b"a", b"d", b"")
    assert "XL/workbook.XML" in parts
    assert parts.names == ("xl/workbook.xml", "b/c")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_more_bytes_than_allowed_are_not_read(method: int):
    content = {"a": bytes(600), "b": bytes(600)}
    assert trouble(made(content, method), max_bytes=1_000) == "too_large"
    assert ZipParts(made(content, method), max_bytes=1_200).read("b") == bytes(600)


def test_the_size_that_the_directory_claims_does_not_count():
    body = made({"a": bytes(500_000)}).replace(struct.pack("<L", 500_000), struct.pack("<L", 7))
    assert trouble(body, max_bytes=100_000) == "too_large"
    assert ZipParts(body, max_bytes=500_000).read("a") == bytes(500_000)


def test_too_many_parts_are_refused_before_they_are_listed():
    assert trouble(made({str(number): b"" for number in range(4)}), max_parts=3) == "too_many"
    assert trouble(b"PK\x01\x02" * 1_001, max_parts=3) == "too_many"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"PK\x03\x04 and nothing else", "damaged"),
        (made({"a": b"x" * 100}, zipfile.ZIP_STORED).replace(b"xxx", b"yyy"), "damaged"),
        (made({"a": b"x" * 100}, zipfile.ZIP_BZIP2), "foreign"),
    ],
)
def test_what_cannot_be_read_is_named(body: bytes, kind: str):
    assert trouble(body) == kind


def test_the_start_of_a_part_is_read_without_its_end():
    body = made({"a": b"x" * 5_000_000})
    assert read_part(body, "a", 10) == b"x" * 10
    assert (read_part(body, "b", 10), read_part(body[:50], "a", 10)) == (b"", b"")
