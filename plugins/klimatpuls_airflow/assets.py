"""The events that DAGs start each other with: an asset per source, the registers, the publication."""

from __future__ import annotations

from airflow.sdk import Asset, AssetAlias

REGISTERS = Asset("klimatpuls://registers")
HELD = Asset("klimatpuls://held")
REVIEWED = Asset("klimatpuls://reviewed")
PUBLICATION = Asset("klimatpuls://publication")
SWEEP = Asset("klimatpuls://sweep")
MAIL_DUE = Asset("klimatpuls://mail-due")


def news(source_id: str) -> Asset:
    """Return the asset that is emitted when a poll finds a change that has not been fetched."""
    return Asset(f"klimatpuls://news/{source_id}")


def validated(source_id: str) -> Asset:
    """Return the asset that is emitted when a source has validated releases that are not published."""
    return Asset(f"klimatpuls://validated/{source_id}")


def conditional(asset: Asset) -> AssetAlias:
    """Return the outlet of a task that decides itself whether to emit an asset: an alias of its name."""
    return AssetAlias(asset.uri)
