from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psycopg2
import pytest

from klimatpuls.local import postgres
from klimatpuls.local.postgres import Cluster, ClusterError, Launcher, temporary_cluster

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.postgres


def value(cluster: Cluster, query: str, database: str = "postgres") -> object:
    with cluster.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return row[0] if row else None


def test_a_cluster_has_passwords_roles_and_databases_and_ends_clean(tmp_path: Path) -> None:
    begun = time.monotonic()
    with temporary_cluster(tmp_path / "a b") as cluster:
        assert time.monotonic() - begun < 20
        assert str(value(cluster, "SHOW server_version")).startswith("18.")
        assert value(cluster, "SHOW listen_addresses") == "127.0.0.1"
        provider = "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database LIMIT 1"
        assert value(cluster, provider) == "b C.UTF-8", "text is sorted by its bytes"
        cluster.ensure_role("airflow", "först")
        cluster.ensure_role("airflow", "p'ss\"word")
        assert cluster.ensure_database("airflow", "airflow") is True
        assert cluster.ensure_database("airflow", "airflow") is False
        with psycopg2.connect(cluster.dsn("airflow", "airflow", "p'ss\"word")) as connection:
            assert connection.info.user == "airflow"
        connection.close()
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(cluster.dsn("airflow", "airflow", "först"))
        cluster.ensure_role("stranger", "x")
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            psycopg2.connect(cluster.dsn("airflow", "stranger", "x"))
    assert not (cluster.data / "postmaster.pid").exists()
    assert "database system is shut down" in postgres.tail(tmp_path / "a b" / "postgres.log")


def test_a_cluster_of_a_home_is_durable(tmp_path: Path) -> None:
    command = Cluster(tmp_path / "postgres", "x", 5432).server_command()
    assert {"fsync=on", "full_page_writes=on", "synchronous_commit=on"} <= set(command)


def test_an_interrupted_making_is_made_again(tmp_path: Path) -> None:
    half = tmp_path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18", encoding="ascii")
    cluster = Cluster(tmp_path / "postgres", "x", 5432, durable=False)
    assert cluster.create() is True
    assert cluster.create() is False
    assert not half.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"postgres"}  # no password file left


def test_a_cluster_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n", encoding="ascii")
    with pytest.raises(ClusterError, match="PostgreSQL 16 cluster, expected 18"):
        Cluster(tmp_path / "postgres", "x", 5432).create()


def test_a_failing_start_shows_the_end_of_the_log(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "postgres", "x", 5432)
    log = tmp_path / "log"
    log.write_text("first\nFATAL: no disk\n", encoding="utf-8")
    with pytest.raises(ClusterError, match=r"(?s)ended at its start.*FATAL: no disk"):
        postgres.wait_ready(cluster, lambda: False, log)
    with pytest.raises(ClusterError, match="was not ready after 0 s"):
        postgres.wait_ready(cluster, lambda: True, log, patience=0.05)


def test_the_process_file_of_a_dead_server_goes_that_of_a_living_one_stays(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "postgres", "x", 5432)
    cluster.data.mkdir()
    file = cluster.data / "postmaster.pid"
    file.write_text("1\n", encoding="ascii")
    with subprocess.Popen(["sleep", "30"], cwd=cluster.data) as sleeper:
        with pytest.raises(ClusterError, match=f"still used by process {sleeper.pid}"):
            cluster.clear_stale()
        assert file.exists()
        sleeper.kill()
    cluster.clear_stale()
    assert not file.exists()


def test_a_socket_path_too_long_for_the_kernel_means_tcp_only(tmp_path: Path) -> None:
    short = Cluster(tmp_path / "p", "x", 5432)
    long = Cluster(tmp_path / ("p" * 100), "x", 5432)
    assert short.socket_folder == short.data
    assert long.socket_folder is None
    assert "unix_socket_directories=" in long.server_command()


def as_user(monkeypatch: pytest.MonkeyPatch, uid: int, *, named: bool, namespaces: bool) -> None:
    monkeypatch.setattr(postgres.os, "geteuid", lambda: uid)
    monkeypatch.setattr(postgres, "_has_passwd_entry", lambda: named)
    monkeypatch.setattr(postgres, "_namespace_prefix", lambda: ("unshare", "--") if namespaces else None)


@pytest.mark.parametrize(
    ("uid", "named", "namespaces", "prefix", "becomes", "outside"),
    [
        (1000, True, False, (), None, False),
        (0, True, True, ("unshare", "--"), None, False),
        (0, True, False, (), 65534, True),
        (1000, False, True, ("unshare", "--"), None, False),
    ],
)
def test_each_kind_of_user_gets_a_way_to_start(
    monkeypatch: pytest.MonkeyPatch,
    uid: int,
    named: bool,
    namespaces: bool,
    prefix: tuple[str, ...],
    becomes: int | None,
    outside: bool,
) -> None:
    as_user(monkeypatch, uid, named=named, namespaces=namespaces)
    assert postgres.choose_launcher() == (Launcher(prefix, postgres.binaries(), becomes), outside)


def test_a_user_without_name_and_without_namespaces_gets_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, 54321, named=False, namespaces=False)
    with pytest.raises(ClusterError, match=r"user 54321, which has no passwd entry.*>> /etc/passwd"):
        postgres.choose_launcher()


@pytest.mark.skipif(sys.platform != "linux" or postgres.os.geteuid() != 0, reason="only root needs this way")
def test_root_without_namespaces_runs_a_copy_as_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres, "_namespace_prefix", lambda: None)
    monkeypatch.setattr(postgres, "OUTSIDE", tmp_path)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o777 == 0o700:
            folder.chmod(0o711)  # pytest closes them; the real place is open
    with temporary_cluster(tmp_path / "home") as cluster:
        assert not cluster.data.is_relative_to(tmp_path / "home")
        assert cluster.data.stat().st_uid == postgres.NOBODY
        assert value(cluster, "SELECT 1") == 1
