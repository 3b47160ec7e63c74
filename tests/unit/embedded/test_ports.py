from __future__ import annotations

import socket

from klimatpuls.embedded import ports


def test_a_free_port_is_kept_and_a_taken_one_replaced() -> None:
    with socket.socket() as holder:
        holder.bind((ports.LOOPBACK, 0))
        number = holder.getsockname()[1]
        assert not ports.is_free(number)
        replaced = ports.choose(number)
    assert replaced.is_replaced
    assert replaced.number != number
    assert replaced.wanted == number
    assert ports.choose(number) == ports.Port(number, number)
    assert not ports.choose(number).is_replaced


def test_a_port_promised_to_another_service_is_not_given_twice() -> None:
    free = ports.choose(0).number
    assert ports.choose(free, not_these=frozenset({free})).number != free


def test_any_port_is_never_called_replaced() -> None:
    any_port = ports.choose(0)
    assert 1024 <= any_port.number <= 65535
    assert not any_port.is_replaced
