from datetime import UTC, date, datetime

import pytest

from klimatpuls.clock import as_of_date, stockholm_date
from klimatpuls.errors import UsageError

NEW_YEARS_EVE_UTC = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)


def test_the_date_is_the_swedish_one():
    assert stockholm_date(NEW_YEARS_EVE_UTC) == date(2026, 1, 1)


def test_summer_time_moves_the_border_of_the_day():
    assert stockholm_date(datetime(2026, 6, 30, 22, 0, tzinfo=UTC)) == date(2026, 7, 1)
    assert stockholm_date(datetime(2026, 1, 31, 22, 0, tzinfo=UTC)) == date(2026, 1, 31)


def test_a_moment_without_zone_is_refused():
    with pytest.raises(ValueError, match="without time zone"):
        stockholm_date(datetime(2026, 1, 1))  # noqa: DTZ001


def test_as_of_is_the_setting_when_it_is_set():
    assert as_of_date({"KLIMATPULS_AS_OF": " 2024-05-20 "}, NEW_YEARS_EVE_UTC) == date(2024, 5, 20)


@pytest.mark.parametrize("environ", [{}, {"KLIMATPULS_AS_OF": ""}, {"KLIMATPULS_AS_OF": "  "}])
def test_as_of_is_today_in_sweden_otherwise(environ):
    assert as_of_date(environ, NEW_YEARS_EVE_UTC) == date(2026, 1, 1)


def test_a_setting_that_is_no_date_says_how_to_write_one():
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        as_of_date({"KLIMATPULS_AS_OF": "20 maj"}, NEW_YEARS_EVE_UTC)
