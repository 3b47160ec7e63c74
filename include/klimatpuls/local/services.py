"""What the embedded stack runs: command lines and environments of its services.

Everything listens on 127.0.0.1, keeps its state under the home and gets its settings through the
environment, so that no file of the user's (an ``airflow.cfg``, a ``~/.pgpass``) has a say.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from klimatpuls.local import mailcatcher
from klimatpuls.local.home import write_json
from klimatpuls.local.ports import LOOPBACK
from klimatpuls.local.supervisor import PHASE_DATABASE, PHASE_HELPERS, Service
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klimatpuls.local.home import Home
    from klimatpuls.local.postgres import Cluster

AIRFLOW_USER = "klimatpuls"
AIRFLOW_DATABASE = "airflow"
WAREHOUSE_DATABASE = "klimatpuls"
USUAL_PORTS = {"postgres": 54318, "airflow": 8080, "smtp": 8025, "mail_page": 8026, "replica": 8027}
"""Ports that are asked for first; a taken one is replaced."""
SENDER = "klimatpuls@klimatpuls.invalid"
LIST_ADDRESS = "natverkslistan@klimatpuls.invalid"
OPERATOR_ADDRESS = "drift@klimatpuls.invalid"
"""Addresses of the embedded stack; its mail goes to the mail catcher only."""
PARALLELISM = 6
"""Task processes: two sources at work on two cores, and room for what waits for a host or for others."""
PRELOADED = (
    "pandas",
    "sqlalchemy",
    "psycopg2",
    "pyarrow.csv",
    "great_expectations",
    "klimatpuls.pipeline.load",
    "klimatpuls.pipeline.operator_notice",
    "klimatpuls.pipeline.snapshot",
    "klimatpuls.pipeline.validate",
    "klimatpuls.fetch.http",
    "klimatpuls.warehouse.calls",
    "klimatpuls_airflow.assets",
    "klimatpuls_airflow.links",
    "klimatpuls_airflow.tags",
    "klimatpuls_airflow.tasks",
)
"""Modules the scheduler imports before it forks its workers, so that no task pays for them again."""

_FOREIGN = ("AIRFLOW", "PG", "PYTHON", "LC_", "LANG", "KLIMATPULS_", "OTEL_")


@dataclass(frozen=True)
class Addresses:
    """Ports of a running stack, all on 127.0.0.1.

    Attributes:
        postgres: PostgreSQL.
        airflow: Airflow's API server and UI.
        smtp: The mail catcher.
        mail_page: The page that shows caught mail.
        replica: The replica of the agencies.
    """

    postgres: int
    airflow: int
    smtp: int
    mail_page: int
    replica: int


@dataclass(frozen=True)
class Folders:
    """Where the code of the DAGs lies.

    Attributes:
        project: Root of the work tree.
        dags: Folder of DAG files.
        plugins: Folder of Airflow plugins.
    """

    project: Path
    dags: Path
    plugins: Path

    @classmethod
    def of_project(cls) -> Folders:
        """Return the folders of the work tree this package is installed from."""
        project = Path(__file__).resolve().parents[3]
        return cls(project, project / "dags", project / "plugins")


def base_environment() -> dict[str, str]:
    """Return our environment without what would change a service's settings behind our back."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    local = f"{LOOPBACK},localhost"
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = f"{kept[name]},{local}" if kept.get(name) else local
    bin_folder = str(Path(sys.executable).parent)
    kept["PATH"] = f"{bin_folder}{os.pathsep}{kept.get('PATH', os.defpath)}"
    return kept | {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}


def connections(
    home: Home,
    addresses: Addresses,
    base_urls: Mapping[str, str],
    cluster: Cluster,
    *,
    mock_ca: Path | None = None,
) -> dict[str, str]:
    """Return the Airflow connections of the tasks as ``AIRFLOW_CONN_*`` variables (JSON).

    Args:
        home: The home, for the passwords.
        addresses: Ports of the stack.
        base_urls: Base URL by connection id, such as ``smhi_default``.
        cluster: The cluster that holds the warehouse.
        mock_ca: Certificate of the authority that vouches for a replica that speaks TLS.
    """
    secrets = home.secrets

    def warehouse(login: str, password: str) -> dict[str, object]:
        return {
            "conn_type": "postgres",
            "host": LOOPBACK,
            "port": cluster.port,
            "login": login,
            "password": password,
            "schema": WAREHOUSE_DATABASE,
        }

    given: dict[str, dict[str, object]] = {
        "warehouse_default": warehouse("wh_loader", secrets.wh_loader),
        "warehouse_mailer": warehouse("wh_mailer", secrets.wh_mailer),
        "smtp_default": {
            "conn_type": "smtp",
            "host": LOOPBACK,
            "port": addresses.smtp,
            "login": mailcatcher.USER,
            "password": secrets.smtp,
            "extra": {
                "disable_ssl": True,
                "disable_tls": True,
                "from_email": SENDER,
                "list_address": LIST_ADDRESS,
                "operator_address": OPERATOR_ADDRESS,
            },
        },
    }
    for name, url in base_urls.items():
        trust = {"extra": {"mock_ca": str(mock_ca)}} if mock_ca else {}
        given[name] = {"conn_type": "http", "host": url, **trust}
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in given.items()}


def mock_url(mock_path: str, port: int, *, is_as_recorded: bool = False) -> str:
    """Return where the replica answers for an agency.

    Args:
        mock_path: Path of the source at the replica.
        port: Port of the replica.
        is_as_recorded: Whether it speaks TLS, as the agencies do.

    Example: ``/scb/api/v2`` → ``http://127.0.0.1:8027/scb/api/v2``.
    """
    return f"{'https' if is_as_recorded else 'http'}://{LOOPBACK}:{port}{mock_path}"


def airflow_settings(home: Home, addresses: Addresses, folders: Folders, cluster: Cluster) -> dict[str, str]:
    """Return Airflow's settings as ``AIRFLOW__*`` variables.

    Args:
        home: The home.
        addresses: Ports of the stack.
        folders: Where DAGs and plugins lie.
        cluster: The cluster that holds Airflow's metadata.
    """
    secrets = home.secrets
    url = f"http://{LOOPBACK}:{addresses.airflow}"
    metadata = (AIRFLOW_DATABASE, "airflow", secrets.airflow_db)
    logs = home.root / "airflow" / "logs"
    settings = {
        "core": {
            "executor": "LocalExecutor",
            "parallelism": str(PARALLELISM),
            "mp_start_method": "fork",
            "dags_folder": str(folders.dags),
            "plugins_folder": str(folders.plugins),
            "load_examples": "False",
            "dags_are_paused_at_creation": "False",
            "fernet_key": secrets.fernet_key,
            "hostname_callable": "socket.gethostname",
            "execution_api_server_url": f"{url}/execution/",
            "simple_auth_manager_users": f"{AIRFLOW_USER}:admin",
            "simple_auth_manager_passwords_file": str(password_file(home)),
            "min_serialized_dag_update_interval": "5",
        },
        "database": {
            "sql_alchemy_conn": cluster.dsn(*metadata, driver="postgresql+psycopg2"),
            "sql_alchemy_conn_async": cluster.dsn(*metadata, driver="postgresql+asyncpg"),
            "check_migrations": "False",
        },
        "logging": {
            "base_log_folder": str(logs),
            "dag_processor_child_process_log_directory": str(
                home.root / "airflow" / "logs" / "dag_processor"
            ),
            "colored_console_log": "False",
            "file_task_handler_new_folder_permissions": "0o700",
            "file_task_handler_new_file_permissions": "0o600",
        },
        "api": {
            "host": LOOPBACK,
            "port": str(addresses.airflow),
            "base_url": url,
            "workers": "1",
            "secret_key": secrets.api_secret,
            "instance_name": f"Klimatpuls ({home.config.origin or 'new'})",
        },
        "api_auth": {"jwt_secret": secrets.jwt_secret},
        "scheduler": {
            # A round over a dozen open runs takes the scheduler a tenth of a second, and the cores are two.
            "scheduler_idle_sleep_time": "0.5",
            "job_heartbeat_sec": "2",
            "enable_health_check": "False",
            "scheduler_health_check_server_host": LOOPBACK,
        },
        "dag_processor": {
            "parsing_processes": "2",
            "refresh_interval": "30",
            # A file that was changed is parsed at once all the same.
            "min_file_process_interval": "300",
            "bundle_refresh_check_interval": "2",
        },
        # The first call makes the API server build its routes, which takes long on a busy machine.
        "workers": {"min_heartbeat_interval": "1", "execution_api_timeout": "30"},
        "metrics": {"statsd_on": "False", "otel_on": "False"},
        "traces": {"otel_on": "False"},
    }
    return {
        f"AIRFLOW__{section.upper()}__{key.upper()}": value
        for section, keys in settings.items()
        for key, value in keys.items()
    }


def password_file(home: Home) -> Path:
    """Return the file in which Airflow's simple auth manager looks up passwords (mode 0600)."""
    return home.root / "airflow" / "passwords.json"


def prepare_airflow(home: Home) -> None:
    """Write what Airflow reads from its own home: the password file.

    Args:
        home: The home.
    """
    (home.root / "airflow").mkdir(exist_ok=True)
    write_json(password_file(home), {AIRFLOW_USER: home.secrets.airflow_admin})


def rename_dags(home: Home, cluster: Cluster) -> None:
    """Give the runs of DAGs that were renamed their present ids; Airflow must not run yet.

    Args:
        home: The home.
        cluster: The cluster that holds Airflow's metadata.
    """
    from klimatpuls.operations import airflow_history

    with closing(connect(cluster.dsn(AIRFLOW_DATABASE, "airflow", home.secrets.airflow_db))) as conn:
        airflow_history.rename_dags(conn, home.root / "airflow" / "logs")


def metadata_mark(folders: Folders) -> str:
    """Return what Airflow's metadata schema depends on: its version and the lock.

    Args:
        folders: Where the project lies.
    """
    lock = folders.project / "requirements.txt"
    content = lock.read_bytes() if lock.exists() else b""
    return hashlib.sha256(version("apache-airflow-core").encode() + b"\0" + content).hexdigest()


def database(home: Home, cluster: Cluster) -> Service:
    """Return PostgreSQL as a service."""
    return Service(
        name="postgres",
        argv=tuple(cluster.server_command()),
        env=cluster.environment(),
        log=str(home.logs / "postgres.log"),
        phase=PHASE_DATABASE,
        stop_signal="SIGINT",
        patience=60.0,
        uid=cluster.launcher.uid,
    )


def mail(home: Home, addresses: Addresses) -> Service:
    """Return the mail catcher as a service."""
    return Service(
        name="mail",
        argv=(
            sys.executable,
            "-m",
            "klimatpuls.local.mailcatcher",
            f"--folder={home.root / 'mail'}",
            f"--smtp-port={addresses.smtp}",
            f"--page-port={addresses.mail_page}",
        ),
        env=base_environment()
        | {"KLIMATPULS_SMTP_USER": mailcatcher.USER, "KLIMATPULS_SMTP_PASSWORD": home.secrets.smtp},
        log=str(home.logs / "mail.log"),
        phase=PHASE_HELPERS,
        patience=3.0,
    )


def replica(
    home: Home, addresses: Addresses, archive: Path, as_of: str | None, *, is_as_recorded: bool = False
) -> Service:
    """Return the replica of the agencies as a service.

    Args:
        home: The home.
        addresses: Ports of the stack.
        archive: Archive folder to serve.
        as_of: ISO date to answer as of, ``None`` for everything the archive holds.
        is_as_recorded: Whether it answers as the agencies' servers were recorded; its certificate lies in
            the home's folder ``run``.
    """
    words = [
        "-m",
        "klimatpuls.mock_agencies.server",
        "--archive",
        str(archive),
        "--port",
        str(addresses.replica),
    ]
    if as_of is not None:
        words += ["--as-of", as_of]
    if is_as_recorded:
        words += ["--as-recorded", "--certificates", str(home.run)]
    return Service(
        name="replica",
        argv=(sys.executable, *words),
        env=base_environment(),
        log=str(home.logs / "replica.log"),
        phase=PHASE_HELPERS,
        patience=3.0,
    )


def litter(home: Home, environment: Mapping[str, str]) -> Service:
    """Return the process that imports Airflow and forks its services (:mod:`klimatpuls.local.prefork`).

    Args:
        home: The home.
        environment: The whole environment of Airflow's processes.
    """
    return Service(
        name="litter",
        argv=(sys.executable, "-m", "klimatpuls.local.prefork", f"--run={home.run}"),
        env={**environment},
        log=str(home.logs / "litter.log"),
        patience=1.0,
        cwd=str(home.root / "airflow"),
    )


def airflow(home: Home, part: str) -> Service:
    """Return one of Airflow's services, or its migration job; the command line is that behind ``airflow``.

    Args:
        home: The home.
        part: ``api-server``, ``scheduler``, ``dag-processor`` or ``db-migrate``.
    """
    words = {
        "api-server": ("api-server",),
        "scheduler": ("scheduler", "--skip-serve-logs"),
        "dag-processor": ("dag-processor",),
        "db-migrate": ("db", "migrate"),
    }[part]
    return Service(
        name=part,
        argv=words,
        env={},
        log=str(home.logs / f"{part}.log"),
        # Two of them keep nothing in memory and take seconds to close their loops: they need no waiting for.
        patience=8.0 if part == "scheduler" else 0.2,
        preload=PRELOADED if part == "scheduler" else (),
        cwd=str(home.root / "airflow"),
    )
