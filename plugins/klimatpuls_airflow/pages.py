"""The validation pages in Airflow: one page per source run, for logged-in users.

Only the API server imports this module, at the first request.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import HTMLResponse

# The page needs no script and no other file, so nothing else is allowed.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

app = FastAPI(title="Klimatpuls", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/findings/run-{source_run}", dependencies=[Depends(get_user)])
def findings(source_run: int) -> HTMLResponse:
    """The validation page of a source run.

    Args:
        source_run: Number of the run, as ``ops.source_run`` has it.

    Raises:
        HTTPException: 401 without a login, 404 if this machine has no such page.
    """
    home = os.environ.get("KLIMATPULS_HOME", "")
    page = Path(home) / "data_docs" / f"run-{source_run}" / "index.html"
    if not home or not page.is_file():
        raise HTTPException(404, f"The folder data_docs of this machine holds no page of run {source_run}.")
    return HTMLResponse(page.read_text(encoding="utf-8"), headers=HEADERS)
