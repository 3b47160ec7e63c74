"""What the DAGs tell each other: an asset per source, the registers, the publication."""

from __future__ import annotations

from airflow.sdk import Asset, AssetAlias

REGISTERS = Asset("klimatpuls://registers")
HELD = Asset("klimatpuls://held")
REVIEWED = Asset("klimatpuls://reviewed")
PUBLICATION = Asset("klimatpuls://publication")
SWEEP = Asset("klimatpuls://sweep")
MAIL_DUE = Asset("klimatpuls://mail-due")


def news(source_id: str) -> Asset:
    """The asset that says: a look at this source saw something that has not been fetched yet."""
    return Asset(f"klimatpuls://news/{source_id}")


def validated(source_id: str) -> Asset:
    """The asset that says: this source has validated releases that are not published yet."""
    return Asset(f"klimatpuls://validated/{source_id}")


def perhaps(asset: Asset) -> AssetAlias:
    """The outlet of a task that decides itself whether it tells of an asset: an alias of its name."""
    return AssetAlias(asset.uri)
