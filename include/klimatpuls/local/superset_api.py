"""A small client for the REST API of the embedded Superset (version 1 of the API, Superset 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klimatpuls.errors import KlimatpulsError

if TYPE_CHECKING:
    import requests

PATIENCE = 60
"""Seconds a request may take; importing the assets takes three."""


class SupersetApiError(KlimatpulsError):
    """The embedded Superset refused a request or did not answer."""


class SupersetApi:
    """Talks to Superset as one of its users.

    Args:
        base_url: Address without a path, such as ``http://127.0.0.1:8088``.
        user: Name of a user.
        password: Its password.
    """

    def __init__(self, base_url: str, user: str, password: str) -> None:
        import requests

        self.base_url = base_url.rstrip("/")
        self._login = {"username": user, "password": password, "provider": "db", "refresh": False}
        self._session = requests.Session()
        self._session.trust_env = False  # never through a proxy: it is this machine
        self._session.headers.update({"Referer": f"{self.base_url}/", "Accept": "application/json"})

    def is_healthy(self) -> bool:
        """Tell whether the server answers."""
        import requests

        try:
            return self._session.get(f"{self.base_url}/health", timeout=5).ok
        except requests.RequestException:
            return False

    def log_in(self) -> None:
        """Take a token, and the one that guards against forged requests; call it before what follows.

        Raises:
            SupersetApiError: if user or password are wrong.
        """
        token = self._ask("POST", "/security/login", json=self._login)["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.headers["X-CSRFToken"] = self._ask("GET", "/security/csrf_token/")["result"]

    def import_assets(self, bundle: bytes) -> None:
        """Write assets over the ones of the same uuid; what a user made beside them stays.

        Args:
            bundle: Zip of YAML files in Superset's export format.

        Raises:
            SupersetApiError: if they are refused, with what Superset finds wrong.
        """
        self._ask("POST", "/assets/import/", files={"bundle": ("klimatpuls.zip", bundle, "application/zip")})

    def charts_of(self, slug: str) -> list[dict[str, Any]]:
        """Return the charts of a dashboard, each with ``id``, ``slice_name`` and ``form_data``.

        Args:
            slug: The dashboard's short name in its address.
        """
        found: list[dict[str, Any]] = self._ask("GET", f"/dashboard/{slug}/charts")["result"]
        return found

    def rows_of(self, chart_id: int) -> list[list[dict[str, Any]]]:
        """Ask what a chart asks, by the query that is stored with it.

        Args:
            chart_id: Its number.

        Returns:
            The rows of each of its queries.

        Raises:
            SupersetApiError: if a query fails, in the database's words.
        """
        answers = self._ask("GET", f"/chart/{chart_id}/data/?force=true")["result"]
        return [answer["data"] for answer in answers]

    def _ask(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        import requests

        try:
            answer = self._session.request(method, f"{self.base_url}/api/v1{path}", timeout=PATIENCE, **given)
        except requests.RequestException as error:
            message = f"Superset did not answer {method} {path}: {type(error).__name__}"
            raise SupersetApiError(message) from None
        if not answer.ok:
            raise SupersetApiError(
                f"Superset refused {method} {path} ({answer.status_code}): {_said(answer)}"
            )
        content: dict[str, Any] = answer.json()
        return content


def _said(answer: requests.Response) -> str:
    """What a refusal says; a page for a browser says nothing."""
    if "json" not in answer.headers.get("Content-Type", ""):
        return "no reason given; its log server.log has it"
    return answer.text[:2000]
