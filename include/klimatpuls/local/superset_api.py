"""A small client for the REST API of the embedded Superset (version 1 of the API, Superset 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klimatpuls.errors import KlimatpulsError

if TYPE_CHECKING:
    import requests

PATIENCE = 60
"""Seconds that a request may take; importing the assets takes three."""


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
        self._session.trust_env = False  # no proxy: it is this machine
        self._session.headers.update({"Referer": f"{self.base_url}/", "Accept": "application/json"})

    def is_healthy(self) -> bool:
        """Return whether the server answers."""
        import requests

        try:
            return self._session.get(f"{self.base_url}/health", timeout=5).ok
        except requests.RequestException:
            return False

    def log_in(self) -> None:
        """Get the tokens for access and against forged requests; call it before any other request.

        Raises:
            SupersetApiError: if user or password are wrong.
        """
        token = self.call("POST", "/security/login", json=self._login)["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.headers["X-CSRFToken"] = self.call("GET", "/security/csrf_token/")["result"]

    def import_assets(self, bundle: bytes) -> None:
        """Overwrite the assets of the same uuid and leave all others.

        Args:
            bundle: Zip of YAML files in Superset's export format.

        Raises:
            SupersetApiError: if they are refused, with Superset's reason.
        """
        self.call("POST", "/assets/import/", files={"bundle": ("klimatpuls.zip", bundle, "application/zip")})

    def call(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        """Send a request to a path of the API and return the answer's JSON object.

        Raises:
            SupersetApiError: if Superset refuses it, with its reason, or does not answer.
        """
        import requests

        try:
            answer = self._session.request(method, f"{self.base_url}/api/v1{path}", timeout=PATIENCE, **given)
        except requests.RequestException as error:
            message = f"Superset did not answer {method} {path}: {type(error).__name__}"
            raise SupersetApiError(message) from None
        if not answer.ok:
            raise SupersetApiError(
                f"Superset refused {method} {path} ({answer.status_code}): {_reason(answer)}"
            )
        content: dict[str, Any] = answer.json()
        return content


def _reason(answer: requests.Response) -> str:
    """The reason of a refusal; a page for a browser gives none."""
    if "json" not in answer.headers.get("Content-Type", ""):
        return "no reason given; its log server.log has it"
    return answer.text[:2000]
