"""The first day on which the page or workbook of plants in emissions trading differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rehearsing import days, rehearse
from variations import EU_ETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from first_day import Eve, FirstDay
    from variations import Variation

    from klimatpuls.contract.catalog import Source
    from klimatpuls.mock_agencies.server import MockServer

pytestmark = [pytest.mark.rehearsal, pytest.mark.postgres, pytest.mark.airflow]


@days(EU_ETS)
def test_only_its_own_source_is_affected(
    variation: Variation, agencies: MockServer, day_of: Callable[[Source], tuple[FirstDay, Eve]]
) -> None:
    rehearse(variation, agencies, day_of)
