"""Apache Superset beside a running stack: it reads the warehouse as ``bi_read`` and shows the dashboard.

Superset has its own environment (``bi/.venv``) and is never imported here. It has its own supervisor and
its own folder in the state directory, so that it starts and stops without the stack. Every start writes the
assets of ``bi/assets`` into it, with the present address and password of the warehouse.
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
"""Superset's folder in a state directory."""
USER = "klimatpuls"
USUAL_PORT = 8088
DASHBOARD = "klimatlaget"
"""The dashboard's name in its address."""
PREPARE_PATIENCE = 600.0
"""Seconds for metadata and roles: 35 s on two idle cores, minutes on a busy machine with a cold disk."""
SERVER_PATIENCE = 120.0
"""Seconds until the server answers: 6 s, more on a cold disk."""

_FOREIGN = ("SUPERSET", "FLASK", "GUNICORN", "WEB_CONCURRENCY", "SCARF", "TALISMAN")


class Superset:
    """Superset of one state directory.

    Args:
        home: State directory; its folder ``superset`` holds metadata, logs and process files.
        project: Root of the work tree, for ``bi/``.
        say: Called with a line for the user.
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
        """Port on 127.0.0.1 of the Superset that runs or is starting here; None if none does."""
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
        """Start Superset unless it runs, and write the assets into it.

        Args:
            dsn: Address of the warehouse for ``bi_read``, password included.

        Raises:
            UsageError: if its environment is missing or another command is starting it.
            StackError: if it does not start, with the end of its log; no process is left then.
            SupersetApiError: if it refuses the assets; a Superset that was started for this is stopped.
        """
        if self.is_up:
            self._say("Superset runs already; updating its assets")
            self._import_assets(dsn)
            return
        if not self.python.is_file():
            message = f"Superset is not installed ({self.python} is missing): run `make bi`"
            raise UsageError(message)
        lock = self.place.lock("bi")
        swept = processes.sweep(self.place.root)
        if swept:
            self._say(f"ended {swept} processes of an earlier Superset")
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
        """Make metadata, roles and the user; skipped if lock, settings and password have not changed."""
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
    """Return the command line of Superset's server on a port of 127.0.0.1, after its interpreter.

    It is one process with threads, for the metadata are in SQLite.
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
    """Pack the assets for Superset's import, with the address of the warehouse.

    The password is part of the address, which Superset stores encrypted. As a separate field of the import
    it would stay in clear text in Superset's log of actions (table ``logs`` of its metadata).

    Args:
        assets: Folder of YAML files in Superset's export format.
        dsn: Address of the warehouse, password included.

    Returns:
        A zip; do not store it.
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
    """Start Superset for the running stack of a state directory, and leave it running.

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
    """Stop the Superset of a state directory and wait until no process is left; False if none ran."""
    if not (home.root / FOLDER).is_dir():
        return False
    return stop_running(Superset(home).place)
