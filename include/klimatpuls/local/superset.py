"""Apache Superset beside a stack that is up: the warehouse read as ``bi_read``, the dashboard ready.

Superset lives in an environment of its own (``bi/.venv``) and is never imported here. It has a supervisor and
a folder of its own in the home, so that it comes and goes without touching the stack; its assets are the
files of ``bi/assets``, written into it at every start with the address and password of the moment.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from klimatpuls.errors import UsageError
from klimatpuls.files.yaml_text import parse_yaml
from klimatpuls.local import ports, processes, runtime, services
from klimatpuls.local.control import Control, StackError, running_supervisor, stop_running
from klimatpuls.local.home import Home, read_json, write_json
from klimatpuls.local.superset_api import SupersetApi
from klimatpuls.local.supervisor import ADDRESS_FILE, STATE_FILE, Service

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = "superset"
"""Superset's part of a home."""
USER = "klimatpuls"
USUAL_PORT = 8088
DASHBOARD = "klimatlaget"
"""Short name of the dashboard in its address."""
PREPARE_PATIENCE = 600.0
"""Seconds for metadata and roles: 35 s alone on two cores, minutes beside others on a cold disk."""
SERVER_PATIENCE = 120.0
"""Seconds until the server answers: 6 s, more on a cold disk."""

_FOREIGN = ("SUPERSET", "FLASK", "GUNICORN", "WEB_CONCURRENCY", "SCARF", "TALISMAN")


class Superset:
    """Superset of one home.

    Args:
        home: The home; its folder ``superset`` keeps metadata, logs and process files.
        project: Root of the work tree, for ``bi/``.
        say: Called with a sentence worth showing.
    """

    def __init__(
        self,
        home: Home,
        project: Path = runtime.PROJECT,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.home = home
        self.files = project / "bi"
        self._say = say
        self.place = Home(home.root / FOLDER, ("logs", "run"))

    @property
    def python(self) -> Path:
        """Interpreter of Superset's environment."""
        return self.files / ".venv" / "bin" / "python"

    @property
    def port(self) -> int | None:
        """Port on 127.0.0.1 of the Superset that runs or is starting here; None when none does."""
        port = read_json(self.place.run / ADDRESS_FILE).get(FOLDER)
        return port if isinstance(port, int) and running_supervisor(self.place) is not None else None

    @property
    def is_up(self) -> bool:
        """Whether Superset was started and left running; False while a command is still starting it."""
        return self.port is not None and read_json(self.place.run / STATE_FILE).get("detached") is True

    @property
    def dashboard_url(self) -> str:
        """Address of the dashboard.

        Raises:
            StackError: if Superset does not run.
        """
        return f"{self._base_url}/superset/dashboard/{DASHBOARD}/"

    @property
    def password_file(self) -> Path:
        """File that holds the user's password (mode 0600)."""
        return self.place.root / "password.json"

    @property
    def api(self) -> SupersetApi:
        """A client for the running Superset.

        Raises:
            StackError: if Superset does not run.
        """
        return SupersetApi(self._base_url, USER, self.home.secrets.superset_admin)

    @property
    def _base_url(self) -> str:
        if self.port is None:
            message = "Superset is not running (make bi)"
            raise StackError(message)
        return f"http://{ports.LOOPBACK}:{self.port}"

    def start(self, dsn: str) -> None:
        """Start Superset, or take the one that runs, and write the assets into it.

        Args:
            dsn: Address of the warehouse for ``bi_read``, password included.

        Raises:
            UsageError: if its environment is missing or another command is starting it.
            StackError: if it does not start, with the end of its log; nothing is left behind then.
            SupersetApiError: if it refuses the assets; one that was started for this is stopped again.
        """
        if self.is_up:
            self._say("Superset runs already; its assets are brought up to date")
            self._import_assets(dsn)
            return
        if not self.python.is_file():
            message = f"Superset is not installed ({self.python} is missing): run `make bi`"
            raise UsageError(message)
        lock = self.place.lock("bi")
        swept = processes.sweep(self.place.root)
        if swept:
            self._say(f"ended {swept} processes that an earlier Superset had left behind")
        control = Control(self.place, lock)
        lock.note("bi", control.pid)
        try:
            self._prepare(control)
            self._serve(control)
            self._import_assets(dsn)
            control.detach()
        except BaseException:
            control.shutdown()
            processes.sweep(self.place.root)
            raise
        finally:
            lock.release()

    def _prepare(self, control: Control) -> None:
        """Metadata, roles and the user; skipped when lock, settings and password are those of last time."""
        write_json(self.password_file, {USER: self.home.secrets.superset_admin})
        mark = self.place.root / "metadata.mark"
        wanted = self._mark()
        if mark.exists() and mark.read_text(encoding="ascii") == wanted:
            return
        self._say("making Superset's metadata; the first time this takes about a minute")
        control.start(self._service("prepare", str(self.files / "prepare.py")))
        control.wait("prepare", PREPARE_PATIENCE)
        mark.write_text(wanted, encoding="ascii")

    def _mark(self) -> str:
        secrets = self.home.secrets
        parts = [
            *((self.files / name).read_bytes() for name in ("requirements.txt", "prepare.py")),
            secrets.superset_admin.encode(),
            secrets.superset_key.encode(),
        ]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    def _serve(self, control: Control) -> None:
        with ports.Desk() as desk:
            port = desk.choose(USUAL_PORT)
            if port.is_replaced:
                self._say(f"port {port.wanted} (Superset) is taken, using {port.number}")
            write_json(self.place.run / ADDRESS_FILE, {FOLDER: port.number})
            control.start(self._service("server", *server_words(port.number)))
            deadline = time.monotonic() + SERVER_PATIENCE
            while not self.api.is_healthy():
                control.check()
                if time.monotonic() > deadline:
                    message = f"Superset did not answer after {SERVER_PATIENCE:.0f} s; see {self.place.logs}"
                    raise StackError(message)
                time.sleep(0.2)

    def _service(self, name: str, *words: str) -> Service:
        return Service(
            name=name,
            argv=(str(self.python), *words),
            env=self.environment(),
            log=str(self.place.logs / f"{name}.log"),
            cwd=str(self.place.root),
        )

    def environment(self) -> dict[str, str]:
        """Return the whole environment of Superset's processes."""
        kept = {
            key: value for key, value in services.base_environment().items() if not key.startswith(_FOREIGN)
        }
        secrets = self.home.secrets
        return kept | {
            "PATH": f"{self.python.parent}{os.pathsep}{kept['PATH']}",
            "KLIMATPULS_HOME": str(self.home.root),
            "SUPERSET_CONFIG_PATH": str(self.files / "superset_config.py"),
            "SUPERSET_SECRET_KEY": secrets.superset_key,
            "SUPERSET_ADMIN_PASSWORD": secrets.superset_admin,
            "SCARF_ANALYTICS": "false",
        }

    def _import_assets(self, dsn: str) -> None:
        api = self.api
        api.log_in()
        api.import_assets(build_bundle(self.files / "assets", dsn))


def server_words(port: int) -> tuple[str, ...]:
    """Return the command line of Superset's server, after its interpreter.

    Args:
        port: Port on 127.0.0.1. One process with threads: the metadata are SQLite's.
    """
    return (
        "-m",
        "gunicorn",
        f"--bind={ports.LOOPBACK}:{port}",
        "--workers=1",
        "--worker-class=gthread",
        "--threads=8",
        "--timeout=300",
        "--graceful-timeout=2",
        "--umask=0o077",
        "--no-control-socket",
        "superset.app:create_app()",
    )


def build_bundle(assets: Path, dsn: str) -> bytes:
    """Pack the assets for Superset's import, the connection aimed at a warehouse.

    The password stands in the address within the pack. Given apart, as the import offers, it would stay in
    clear in Superset's own log of actions (table ``logs`` of its metadata); so it is only kept encrypted.

    Args:
        assets: Folder of YAML files in Superset's export format.
        dsn: Address of the warehouse, password included.

    Returns:
        A zip, to be sent and never to be kept.
    """
    uri = dsn.replace("postgresql://", "postgresql+psycopg2://", 1)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in sorted(assets.rglob("*.yaml")):
            name = path.relative_to(assets).as_posix()
            text = path.read_text(encoding="utf-8")
            if name.startswith("databases/"):
                text = yaml.safe_dump({**parse_yaml(text), "sqlalchemy_uri": uri}, allow_unicode=True)
            bundle.writestr(f"klimatpuls/{name}", text)
    return packed.getvalue()


def start(home: Home, say: Callable[[str], None]) -> Superset:
    """Start Superset against the warehouse of the stack that is up in a home, and leave it running.

    Args:
        home: The home.
        say: Prints a line.

    Raises:
        UsageError: if the stack is not up, or Superset is not installed.
    """
    stack = runtime.attach(home)
    if stack is None:
        message = (
            f"the warehouse in {home.root} is not running: start it with `make up` (klimatpuls up), "
            "then run `make bi` again"
        )
        raise UsageError(message)
    superset = Superset(home, say=say)
    superset.start(runtime.warehouse_dsn(stack, "bi_read"))
    return superset


def stop(home: Home) -> bool:
    """Stop the Superset of a home, and wait until no process of it is left.

    Args:
        home: The home.

    Returns:
        False when none ran.
    """
    if not (home.root / FOLDER).is_dir():
        return False
    return stop_running(Superset(home).place)
