"""The services of the local stack: their command lines and environments.

Every service listens on 127.0.0.1 and keeps its state in the state directory. Settings come from the
environment, so that no file of the user's (an ``airflow.cfg``, a ``~/.pgpass``) changes them.
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
USUAL_PORTS = {"postgres": 54318, "airflow": 8080, "smtp": 8025, "mail_page": 8026, "mock": 8027}
"""Preferred ports; one that is taken is replaced."""
SENDER = "klimatpuls@klimatpuls.invalid"
LIST_ADDRESS = "natverkslistan@klimatpuls.invalid"
OPERATOR_ADDRESS = "drift@klimatpuls.invalid"
SECRETARIAT_ADDRESS = "kansliet@klimatpuls.invalid"
"""Addresses of the local stack; its mail goes to the mail catcher only."""
PARALLELISM = 6
"""Task processes: two work on two cores, the others wait for a host or for other tasks."""
PRELOADED = (
    "airflow.executors.local_executor",
    "airflow.sdk.definitions.decorators",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
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
"""Modules imported before worker processes are forked, so that no task imports them again."""
_FOREIGN = ("AIRFLOW", "PG", "PYTHON", "LC_", "LANG", "KLIMATPULS_", "OTEL_")


@dataclass(frozen=True)
class Addresses:
    """Ports of a running stack on 127.0.0.1: PostgreSQL, Airflow, mail catcher, its page, mock agencies."""

    postgres: int
    airflow: int
    smtp: int
    mail_page: int
    mock: int


@dataclass(frozen=True)
class Folders:
    """Root of the work tree, and the folders of DAG files and of Airflow plugins."""

    project: Path
    dags: Path
    plugins: Path

    @classmethod
    def of_project(cls) -> Folders:
        """Return the folders of the work tree this package is installed from."""
        project = Path(__file__).resolve().parents[3]
        return cls(project, project / "dags", project / "plugins")


def base_environment() -> dict[str, str]:
    """Return our environment without variables that would change a service's settings."""
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
        home: State directory, for the passwords.
        addresses: Ports of the stack.
        base_urls: Base URL by connection id, such as ``smhi_default``.
        cluster: The cluster that holds the warehouse.
        mock_ca: Certificate of the authority that signs for mock agencies with TLS.
    """
    secrets = home.secrets
    warehouse = {
        "conn_type": "postgres",
        "host": LOOPBACK,
        "port": cluster.port,
        "schema": WAREHOUSE_DATABASE,
    }
    declared: dict[str, dict[str, object]] = {
        "warehouse_default": {**warehouse, "login": "wh_loader", "password": secrets.wh_loader},
        "warehouse_mailer": {**warehouse, "login": "wh_mailer", "password": secrets.wh_mailer},
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
                "reply_to": SECRETARIAT_ADDRESS,
            },
        },
    }
    trust = {"extra": {"mock_ca": str(mock_ca)}} if mock_ca else {}
    for name, url in base_urls.items():
        declared[name] = {"conn_type": "http", "host": url, **trust}
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in declared.items()}


def mock_url(mock_path: str, port: int, *, is_as_recorded: bool = False) -> str:
    """Return the address at which the mock server answers for an agency; https if it answers as recorded.

    Example: ``/scb/api/v2`` → ``http://127.0.0.1:8027/scb/api/v2``.
    """
    return f"{'https' if is_as_recorded else 'http'}://{LOOPBACK}:{port}{mock_path}"


def airflow_settings(home: Home, addresses: Addresses, folders: Folders, cluster: Cluster) -> dict[str, str]:
    """Return Airflow's settings as ``AIRFLOW__*`` variables."""
    secrets = home.secrets
    url = f"http://{LOOPBACK}:{addresses.airflow}"
    metadata = (AIRFLOW_DATABASE, "airflow", secrets.airflow_db)
    logs = home.root / "airflow" / "logs"
    settings = {
        "core": {
            "executor": "LocalExecutor",
            "parallelism": str(PARALLELISM),
            "mp_start_method": "forkserver",
            "mp_forkserver_preload": ",".join(PRELOADED),
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
            "dag_processor_child_process_log_directory": str(logs / "dag_processor"),
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
            # A loop over a dozen open runs takes 0.1 s of one of two cores.
            "scheduler_idle_sleep_time": "0.5",
            "job_heartbeat_sec": "2",
            "enable_health_check": "False",
            "scheduler_health_check_server_host": LOOPBACK,
        },
        "dag_processor": {
            "parsing_processes": "2",
            "refresh_interval": "30",
            # A changed file is parsed at once anyway.
            "min_file_process_interval": "300",
            "bundle_refresh_check_interval": "2",
        },
        # At the first call the API server builds its routes, which takes long on a busy machine.
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
    """Return the file from which Airflow's simple auth manager reads passwords (mode 0600)."""
    return home.root / "airflow" / "passwords.json"


def prepare_airflow(home: Home) -> None:
    """Write the password file of Airflow."""
    (home.root / "airflow").mkdir(exist_ok=True)
    write_json(password_file(home), {AIRFLOW_USER: home.secrets.airflow_admin})


def rename_dags(home: Home, cluster: Cluster) -> None:
    """Give the runs of renamed DAGs their present ids, in Airflow's metadata; Airflow must not run yet."""
    from klimatpuls.operations import airflow_history

    with closing(connect(cluster.dsn(AIRFLOW_DATABASE, "airflow", home.secrets.airflow_db))) as conn:
        airflow_history.rename_dags(conn, home.root / "airflow" / "logs")


def metadata_mark(folders: Folders) -> str:
    """Return a hash of what Airflow's metadata schema depends on: its version and the lock file."""
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
    environment = {"KLIMATPULS_SMTP_USER": mailcatcher.USER, "KLIMATPULS_SMTP_PASSWORD": home.secrets.smtp}
    words = (
        f"--folder={home.root / 'mail'}",
        f"--smtp-port={addresses.smtp}",
        f"--page-port={addresses.mail_page}",
    )
    return _helper(home, "mail", ("klimatpuls.local.mailcatcher", *words), environment)


def mock(
    home: Home, addresses: Addresses, archive: Path, as_of: str | None, *, is_as_recorded: bool = False
) -> Service:
    """Return the mock agencies as a service.

    Args:
        home: State directory.
        addresses: Ports of the stack.
        archive: Archive folder to serve.
        as_of: ISO date to answer as of, ``None`` for everything the archive holds.
        is_as_recorded: Whether they answer as the agencies' servers were recorded; the certificate is written
            to the folder ``run``.
    """
    words = ["--archive", str(archive), "--port", str(addresses.mock)]
    if is_as_recorded:
        words += ["--as-recorded", str(home.run)]
    if as_of is not None:
        words += ["--as-of", as_of]
    return _helper(home, "mock", ("klimatpuls.mock_agencies.server", *words), {})


def _helper(home: Home, name: str, module: tuple[str, ...], environment: Mapping[str, str]) -> Service:
    return Service(
        name=name,
        argv=(sys.executable, "-m", *module),
        env={**base_environment(), **environment},
        log=str(home.logs / f"{name}.log"),
        phase=PHASE_HELPERS,
        patience=3.0,
    )


def airflow(home: Home, part: str, environment: Mapping[str, str]) -> Service:
    """Return one of Airflow's services, or the job that migrates its metadata.

    Args:
        home: State directory.
        part: ``api-server``, ``scheduler``, ``dag-processor`` or ``db-migrate``.
        environment: Settings and connections.
    """
    words = {"scheduler": ("scheduler", "--skip-serve-logs"), "db-migrate": ("db", "migrate")}
    folder = home.root / "airflow"
    return Service(
        name=part,
        argv=(sys.executable, "-m", "airflow", *words.get(part, (part,))),
        env={**environment, "AIRFLOW_HOME": str(folder)},
        log=str(home.logs / f"{part}.log"),
        # API server and DAG processor have no state, and take seconds to close their event loops.
        patience=8.0 if part == "scheduler" else 0.2,
        cwd=str(folder),
    )
