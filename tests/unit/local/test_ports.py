from __future__ import annotations

import socket
import sys

import pytest

from klimatpuls.local import ports
from klimatpuls.local.ports import Desk, Port


def test_a_free_port_is_kept_and_a_taken_one_replaced() -> None:
    with socket.socket() as holder, Desk() as desk:
        holder.bind((ports.LOOPBACK, 0))
        number = holder.getsockname()[1]
        assert not ports.is_free(number)
        replaced = desk.choose(number)
    assert replaced.is_replaced
    assert replaced.number != number
    assert replaced.wanted == number
    with Desk() as desk:
        kept = desk.choose(number)
    assert kept == Port(number, number)
    assert not kept.is_replaced


@pytest.mark.skipif(sys.platform != "linux", reason="reservations need Linux's abstract namespace")
def test_a_reserved_port_is_not_chosen_again_until_the_desk_closes() -> None:
    with Desk() as first, Desk() as second:
        number = first.choose().number
        assert first.choose(number).number != number
        assert second.choose(number).number != number
    with Desk() as third:
        assert third.choose(number).number == number


def test_any_port_never_counts_as_replaced() -> None:
    with Desk() as desk:
        given = desk.choose()
    assert 1024 <= given.number <= 65535
    assert not given.is_replaced
