import hashlib
import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from klimatpuls.contract.releases import Fetched
from klimatpuls.errors import UsageError
from klimatpuls.fetch.snapshots import ByteStore, SnapshotError, SnapshotStore, snapshot_sha256

NOW = datetime(2026, 5, 8, 7, 15, tzinfo=UTC)
WORKBOOK = Fetched(
    source="smhi_emissions",
    dataset="smhi_emissions",
    substance="ghg",
    url="https://nationellaemissionsdatabasen.smhi.se/api/getexcelfile/?sub=GGT",
    parts=(b"workbook",),
    http={"status": 200, "headers": {"ETag": '"a"'}},
)
CUBES = Fetched(
    source="scb_population",
    dataset="scb_population",
    substance=None,
    url="https://statistikdatabasen.scb.se/api/v2/tables/TAB638/data",
    parts=(b"one", b"two"),
)


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots")


def put(store: SnapshotStore, fetched: Fetched = WORKBOOK, **changes):
    facts = {
        "retrieved_at": NOW,
        "licence": "not confirmed",
        "origin": "live",
        "known_from": date(2026, 5, 8),
    }
    return store.put(fetched, **{**facts, **changes})


def test_one_body_is_named_by_its_own_hash_and_comes_back(store):
    snapshot = put(store)
    assert snapshot.sha256 == hashlib.sha256(b"workbook").hexdigest()
    assert snapshot.is_new
    assert store.read_parts(snapshot) == (b"workbook",)


def test_the_manifest_holds_every_fact(store, tmp_path):
    snapshot = put(store)
    manifest = json.loads((tmp_path / "snapshots" / snapshot.manifest_path).read_text())
    assert manifest == {
        "format": 1,
        "source": "smhi_emissions",
        "dataset": "smhi_emissions",
        "substance": "ghg",
        "url": WORKBOOK.url,
        "licence": "not confirmed",
        "origin": "live",
        "retrieved_at": "2026-05-08T07:15:00+00:00",
        "known_from": "2026-05-08",
        "sha256": snapshot.sha256,
        "size": 8,
        "parts": [{"sha256": snapshot.sha256, "size": 8}],
        "http": {"status": 200, "headers": {"ETag": '"a"'}},
    }
    assert store.read(snapshot.manifest_path) == type(snapshot)(**{**vars(snapshot), "is_new": False})


def test_several_bodies_keep_their_order(store):
    snapshot = put(store, CUBES, known_from=None)
    assert store.read_parts(snapshot) == (b"one", b"two")
    assert snapshot.known_from is None
    assert snapshot.sha256 == snapshot_sha256(snapshot.parts)
    assert snapshot.sha256 != snapshot_sha256(snapshot.parts[::-1])
    assert "/all/" in snapshot.manifest_path


def test_known_bytes_are_nothing_new_and_the_first_manifest_stands(store):
    first = put(store)
    again = put(store, retrieved_at=NOW + timedelta(days=7), known_from=date(2026, 5, 15))
    assert not again.is_new
    assert again.retrieved_at == NOW
    assert again.known_from == date(2026, 5, 8)
    assert again.manifest_path == first.manifest_path
    assert len(list(store.snapshots())) == 1


def test_a_moment_is_kept_in_utc(store):
    snapshot = put(store, retrieved_at=NOW.astimezone(timezone(timedelta(hours=2))))
    assert snapshot.retrieved_at == NOW
    assert snapshot.retrieved_at.utcoffset() == timedelta(0)


def test_the_same_bytes_of_two_substances_are_two_snapshots_and_one_object(store, tmp_path):
    other = Fetched(**{**{f: getattr(WORKBOOK, f) for f in WORKBOOK.__slots__}, "substance": "co2"})
    assert put(store).is_new
    assert put(store, other).is_new
    assert len(list(store.snapshots())) == 2
    assert len([path for path in (tmp_path / "snapshots" / "objects").rglob("*") if path.is_file()]) == 1


def test_damaged_bytes_are_noticed_when_read_and_when_put_again(store, tmp_path):
    snapshot = put(store)
    kept = next(path for path in (tmp_path / "snapshots" / "objects").rglob("*") if path.is_file())
    kept.chmod(0o644)
    kept.write_bytes(b"workbooK")
    with pytest.raises(SnapshotError, match=r"damaged.*backup"):
        store.read_parts(snapshot)
    with pytest.raises(SnapshotError, match="damaged"):
        put(store)


def test_missing_bytes_are_said_so(store, tmp_path):
    snapshot = put(store)
    next(path for path in (tmp_path / "snapshots" / "objects").rglob("*") if path.is_file()).unlink()
    with pytest.raises(SnapshotError, match="has no file objects/"):
        store.read_parts(snapshot)


@pytest.mark.parametrize("content", ["{", "{}", '{"format": 2}', "[]"])
def test_a_damaged_manifest_is_said_so(store, tmp_path, content):
    snapshot = put(store)
    manifest = tmp_path / "snapshots" / snapshot.manifest_path
    manifest.chmod(0o644)
    manifest.write_text(content)
    with pytest.raises(SnapshotError, match="cannot be read"):
        store.read(snapshot.manifest_path)


def test_a_manifest_that_names_other_bytes_is_refused(store):
    snapshot = put(store, CUBES)
    swapped = type(snapshot)(**{**vars(snapshot), "parts": snapshot.parts[::-1]})
    with pytest.raises(SnapshotError, match="do not make"):
        store.read_parts(swapped)


def test_a_crash_before_the_manifest_leaves_nothing_a_reader_sees(store, tmp_path, monkeypatch):
    original = ByteStore.write_once

    def die(self, name, content):
        if name.startswith("manifests/"):
            raise OSError("no space left on device")
        return original(self, name, content)

    monkeypatch.setattr(ByteStore, "write_once", die)
    with pytest.raises(OSError, match="no space left"):
        put(store)
    assert list(store.snapshots()) == []
    monkeypatch.undo()
    assert put(store).is_new
    assert store.read_parts(next(iter(store.snapshots()))) == (b"workbook",)


def test_a_crash_while_writing_leaves_no_draft_and_no_file(tmp_path, monkeypatch):
    store = ByteStore(tmp_path)

    def die(_: int) -> None:
        raise OSError("power cut")

    monkeypatch.setattr("klimatpuls.fetch.snapshots.os.fsync", die)
    with pytest.raises(OSError, match="power cut"):
        store.write_once("objects/ab/x", b"content")
    assert not store.exists("objects/ab/x")
    assert list((tmp_path / "objects" / "ab").iterdir()) == []


def test_what_is_there_is_never_written_again(tmp_path):
    store = ByteStore(tmp_path)
    assert store.write_once("a", b"first")
    assert not store.write_once("a", b"second")
    assert store.read("a") == b"first"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
def test_no_name_leads_out_of_the_store(tmp_path, name):
    with pytest.raises(UsageError, match="outside the store"):
        ByteStore(tmp_path).read(name)


def test_an_empty_answer_or_a_moment_without_zone_is_no_snapshot(store):
    empty = Fetched(source="s", dataset="d", substance=None, url="u", parts=())
    with pytest.raises(ValueError, match="at least one body"):
        put(store, empty)
    with pytest.raises(ValueError, match="time zone"):
        put(store, retrieved_at=NOW.replace(tzinfo=None))
