import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.fetch import rate_limit

windows = st.tuples(st.integers(1, 200), st.floats(0.1, 100))


@pytest.mark.parametrize(
    ("allowed", "kept"),
    [
        ((30, 10.0), (27, 10.0)),
        ((3, 1.0), (2, 1.0)),
        ((4, 1.0), (3, 1.0)),
        ((2, 1.0), (1, 1.0)),
        ((1, 1.0), (1, 1 / 0.9)),
        ((10, 1.0), (9, 1.0)),
    ],
)
def test_nine_tenths_in_whole_calls(allowed, kept):
    ((calls, seconds),) = rate_limit.kept_windows([allowed])
    assert calls == kept[0]
    assert seconds == pytest.approx(kept[1])


@given(allowed=windows)
def test_no_more_than_nine_tenths_is_ever_used_and_never_a_shorter_window(allowed):
    ((calls, seconds),) = rate_limit.kept_windows([allowed])
    assert calls / seconds <= 0.9 * allowed[0] / allowed[1] * (1 + 1e-9)
    assert seconds >= allowed[1]


@given(kept=st.lists(windows, max_size=3), ages=st.lists(st.floats(0, 200), max_size=30))
def test_after_the_wait_the_call_fits_into_every_window_and_not_before(kept, ages):
    ages = sorted(ages, reverse=True)
    wait = rate_limit.seconds_to_wait(ages, kept)

    def fits(later: float) -> bool:
        return all(sum(age + later < seconds for age in ages) < calls for calls, seconds in kept)

    assert fits(wait + 1e-6)
    assert wait == 0 or not fits(wait - 1e-6)


def test_without_calls_or_windows_nobody_waits():
    assert rate_limit.seconds_to_wait([], [(1, 1.0)]) == 0
    assert rate_limit.seconds_to_wait([0.0, 0.0], []) == 0
