"""Similar municipalities, and those that did better in a sector (methods section 12).

Similarity is a distance between features on one scale, not an evaluation. The examples name the
municipalities that fell fast, never the others. There is no bottom list and no ranking by status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from klimatpuls.domain.sectors import ALL
from klimatpuls.statistics.change_parts import NOT_MEASURABLE_YET, build_change_parts
from klimatpuls.statistics.network import MUNICIPALITY_CODE_LENGTH
from klimatpuls.statistics.series import TERRITORIAL_SECTORS, ReleaseTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klimatpuls.statistics.trend import FloatArray

PEERS: Final = 10
REASONS: Final = 2
FASTEST_SHARE: Final = 0.2
MIN_BASE_TCO2E: Final = 1_000.0
MIN_BASE_SHARE: Final = 0.02
MIN_YEARS: Final = 3
MAX_YEARS: Final = 5

POPULATION: Final = "population"
DENSITY: Final = "density"
PER_CAPITA: Final = "per_capita"
GROUP: Final = "group"
PLANTS: Final = "industry_and_power"
FEATURES: Final[dict[str, tuple[str, str]]] = {
    POPULATION: ("folkmängd", "population"),
    DENSITY: ("befolkningstäthet", "population density"),
    PER_CAPITA: ("utsläpp per invånare", "emissions per inhabitant"),
    "transport": ("andel transporter", "share of transport"),
    PLANTS: ("andel industri, el och fjärrvärme", "share of industry, power and heat"),
    "agriculture": ("andel jordbruk", "share of agriculture"),
    "own_heating": ("andel egen uppvärmning", "share of own heating"),
    "machinery": ("andel arbetsmaskiner", "share of machinery"),
    "product_use": ("andel produktanvändning", "share of product use"),
    "waste": ("andel avfall", "share of waste"),
    GROUP: ("kommungrupp", "municipality group"),
}
"""The features that similarity is measured by: Swedish and English."""

PEER_COLUMNS: Final = ("region_code", "peer_rank", "peer_region_code", "distance", "reasons")
EXAMPLE_COLUMNS: Final = (
    "sector_code", "region_code", "first_year", "last_year", "annual_reduction_rate", "own_part_pct",
    "earlier_first_year", "earlier_last_year", "earlier_annual_reduction_rate",
)  # fmt: skip


def build_features(
    table: ReleaseTable,
    population: Mapping[str, float],
    *,
    density: Mapping[str, float] | None = None,
    groups: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Calculate the features of every municipality (methods section 12).

    Args:
        table: The current release; its latest year is used.
        population: Municipality → inhabitants.
        density: Municipality → inhabitants per km², where entered.
        groups: Municipality → municipality group of Sveriges Kommuner och Regioner, where entered.

    Returns:
        One row per municipality with inhabitants and emissions, indexed by region_code: one column per key
        of :data:`FEATURES`. Population and density are logarithms, shares are fractions of territorial
        emissions, the group is text; values not entered are NaN or None.

    Example: 60 t of transport and 40 t of industry at 10 inhabitants → shares 0.6 and 0.4, 10 t each.
    """
    codes = [code for code in table.region_codes if len(code) == MUNICIPALITY_CODE_LENGTH]
    rows = [table.region_codes.index(code) for code in codes]
    latest = {code: table.sector(code)[rows, -1] for code in TERRITORIAL_SECTORS}
    total = sum(latest.values(), np.zeros(len(rows)))
    positive = np.where(total > 0, total, np.nan)
    inhabitants = np.array([population.get(code, np.nan) for code in codes], dtype=np.float64)
    inhabitants = np.where(inhabitants > 0, inhabitants, np.nan)
    dense = np.array([(density or {}).get(code, np.nan) for code in codes], dtype=np.float64)
    columns: dict[str, object] = {
        POPULATION: np.log(inhabitants),
        DENSITY: np.log(np.where(dense > 0, dense, np.nan)),
        PER_CAPITA: total / inhabitants,
        PLANTS: (latest["industry"] + latest["power_heat"]) / positive,
        GROUP: pd.Series([(groups or {}).get(code) for code in codes], dtype=object).to_numpy(),
    }
    for code in TERRITORIAL_SECTORS:
        if code in FEATURES:
            columns[code] = latest[code] / positive
    frame = pd.DataFrame(columns, index=pd.Index(codes, name="region_code", dtype=object))
    return frame.loc[frame[POPULATION].notna() & frame[PER_CAPITA].notna(), list(FEATURES)]


def find_peers(features: pd.DataFrame, *, count: int = PEERS) -> pd.DataFrame:
    """Find the nearest municipalities of each one (methods section 12).

    Every feature is standardised (mean 0, standard deviation 1 over the municipalities); another group counts
    as a distance of 1. A feature that one of the two lacks is left out of their distance, which is then
    scaled to the full number of features in use.

    Args:
        features: As :func:`build_features` gives it.
        count: How many peers each gets.

    Returns:
        One row per municipality × rank: :data:`PEER_COLUMNS`; ``reasons`` is a tuple of the two features the
        two are closest in, closest first. No municipality is its own peer; ties go to the lower code.

    Example: three municipalities alike but in population 10 000, 11 000 and 90 000 → the first two are each
    other's nearest.
    """
    codes = features.index.to_numpy(dtype=object)
    gaps = [_gaps(features[name], is_group=name == GROUP) for name in features.columns]
    used = [index for index, gap in enumerate(gaps) if not np.isnan(gap).all()]
    if len(codes) < 2 or not used:
        return pd.DataFrame(columns=list(PEER_COLUMNS))
    cube = np.stack([gaps[index] for index in used])
    names = [str(features.columns[index]) for index in used]
    known = ~np.isnan(cube)
    squares = np.where(known, cube, 0.0) ** 2
    counted = known.sum(axis=0)
    distance = np.sqrt(
        np.divide(
            squares.sum(axis=0) * len(used), counted, out=np.full(counted.shape, np.inf), where=counted > 0
        )
    )
    np.fill_diagonal(distance, np.inf)
    kept = min(count, len(codes) - 1)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :kept]
    closest = np.argsort(np.where(known, cube, np.inf), axis=0, kind="stable")[:REASONS]
    rows = [
        (
            str(codes[row]),
            rank + 1,
            str(codes[peer]),
            float(distance[row, peer]),
            tuple(names[index] for index in closest[:, row, peer]),
        )
        for row in range(len(codes))
        for rank, peer in enumerate(nearest[row])
    ]
    return pd.DataFrame(rows, columns=list(PEER_COLUMNS))


def find_witness(tables: Sequence[ReleaseTable]) -> ReleaseTable | None:
    """The release that confirms the examples of the newest one (methods section 12).

    Args:
        tables: Releases of one substance, oldest first.

    Returns:
        The newest release with another last year than the newest of all; None without one.

    Example: releases to 2023, 2024 and, corrected, 2024 again → the one to 2023.
    """
    if not tables:
        return None
    last_year = tables[-1].years[-1]
    return next((table for table in reversed(tables) if table.years[-1] != last_year), None)


def find_examples(tables: Sequence[ReleaseTable]) -> pd.DataFrame:
    """Find the municipalities that did better in each sector, in two releases (methods section 12).

    A municipality is an example when its sector is large enough (1 000 t and 2 % of its territorial
    emissions in the first year), is not scaled nationally, fell, has a negative own part, and fell among the
    fastest fifth, in **both** of two releases with different last years: the newest one, and the newest of
    those that end in another year; a correction of the same year confirms nothing. The rate is the
    constant yearly one from the earliest year three to five years before each release's latest.

    Args:
        tables: Releases of one substance, oldest first.

    Returns:
        One row per sector × municipality, fastest first: :data:`EXAMPLE_COLUMNS`, rates as fractions per
        year, positive where the sector fell, so all of them are. A sector without a row has no robust
        example. Empty where no two releases end in different years.

    Example: a municipality that leads in one release and not in the other is no example.
    """
    witness = find_witness(tables)
    if witness is None:
        return pd.DataFrame(columns=list(EXAMPLE_COLUMNS))
    earlier, newest = _fastest(witness), _fastest(tables[-1])
    both = newest.merge(earlier, on=["sector_code", "region_code"], suffixes=("", "_earlier"))
    both = both.rename(
        columns={
            "first_year_earlier": "earlier_first_year",
            "last_year_earlier": "earlier_last_year",
            "annual_reduction_rate_earlier": "earlier_annual_reduction_rate",
        }
    )
    ordered = both.sort_values(
        ["sector_code", "annual_reduction_rate", "region_code"],
        ascending=[True, False, True],
        ignore_index=True,
    )
    return ordered[list(EXAMPLE_COLUMNS)]


def _gaps(feature: pd.Series[Any], *, is_group: bool) -> FloatArray:
    """Distance in one feature between every two municipalities, in standard deviations; NaN if not known."""
    if is_group:
        groups = feature.to_numpy(dtype=object)
        known = feature.notna().to_numpy()
        differs = (groups[:, None] != groups[None, :]).astype(np.float64)
        return np.where(known[:, None] & known[None, :], differs, np.nan)
    values = feature.to_numpy(dtype=np.float64)
    known = ~np.isnan(values)
    if not known.any() or np.ptp(values[known]) == 0:
        return np.full((len(values), len(values)), np.nan)  # the same everywhere: it distinguishes nothing
    scaled = (values - values[known].mean()) / values[known].std()
    gaps: FloatArray = np.abs(scaled[:, None] - scaled[None, :])
    return gaps


def _fastest(table: ReleaseTable) -> pd.DataFrame:
    """The fastest fifth of each sector on one release, of those that qualify."""
    years = table.years.tolist()
    last = years[-1]
    first = next((year for year in years if MIN_YEARS <= last - year <= MAX_YEARS), None)
    columns = list(EXAMPLE_COLUMNS[:6])
    if first is None:
        return pd.DataFrame(columns=columns)
    parts = build_change_parts(table, [(first, last)])
    parts = parts[parts["region_code"].str.len() == MUNICIPALITY_CODE_LENGTH]
    whole = parts[parts["sector_code"] == ALL].set_index("region_code")["first_tco2e"]
    own = parts[(parts["sector_code"] != ALL) & (parts["own_part_status"] != NOT_MEASURABLE_YET)]
    share = own["first_tco2e"] / own["region_code"].map(whole)
    own = own[(own["first_tco2e"] >= MIN_BASE_TCO2E) & (share >= MIN_BASE_SHARE)]
    rate = 1.0 - (own["last_tco2e"] / own["first_tco2e"]) ** (1.0 / (last - first))
    own = own.assign(annual_reduction_rate=rate)
    # First the fastest fifth of all that are large enough, then the own part and the sign: otherwise a sector
    # that rose nearly everywhere would have a fifth of a smaller group.
    place = own.groupby("sector_code")["annual_reduction_rate"].rank(method="min", ascending=False)
    size = own.groupby("sector_code")["annual_reduction_rate"].transform("size")
    fast = (
        (place <= np.ceil(FASTEST_SHARE * size))
        & (own["own_part_tco2e"] < 0)
        & (own["annual_reduction_rate"] > 0)
    )
    fastest: pd.DataFrame = own.loc[fast, columns]
    return fastest
