"""Step 5, beside the mail: marts → the static site, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.errors import SiteError
from klimatpuls.site.build import build
from klimatpuls.site.view import read_rows

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.site.build import SiteBuild

NAMED: Final = 5
"""Failed files that the error names."""


def write_site(conn: PgConnection, context: RunContext) -> SiteBuild | None:
    """Build the site of the current publication below ``site``; the same data give the same bytes.

    Args:
        conn: Connection of a role that reads ``mart``.
        context: Folders and settings.

    Returns:
        What came of it, None while there are no emissions to show.

    Raises:
        SiteError: if pages could not be made; the others are in place by then.
    """
    built = build(read_rows(conn), context.site, context.site_options)
    if built is not None and built.failures:
        named = "; ".join(f"{one.path}: {one.reason}" for one in built.failures[:NAMED])
        msg = (
            f"{len(built.failures)} files of the site in {built.folder} could not be made: {named}. Their "
            "last ones stay, all others are new; `klimatpuls site` tries again"
        )
        raise SiteError(msg)
    return built
