"""Registers the project with Airflow's plugin manager; the adapters are in ``klimatpuls_airflow``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

from klimatpuls_airflow import PAGES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Message = Callable[..., Awaitable[Any]]


async def pages(scope: Scope, receive: Message, send: Message) -> None:
    """Pass a request to the pages; they are imported here, for only the API server needs them."""
    from klimatpuls_airflow.pages import app

    await app(scope, receive, send)


class KlimatpulsPlugin(AirflowPlugin):
    """Makes the project visible under Admin → Plugins, and serves its pages."""

    name = "klimatpuls"
    fastapi_apps = [{"app": pages, "url_prefix": PAGES, "name": "klimatpuls"}]  # noqa: RUF012 Airflow's own form
