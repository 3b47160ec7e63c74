"""Free TCP ports on 127.0.0.1: the usual one when it is free, another one otherwise."""

from __future__ import annotations

import socket
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Port:
    """A port for a service.

    Attributes:
        number: Port to listen on, 1 to 65535.
        wanted: Port that was asked for, 0 for any; differs from ``number`` when that one was taken.
    """

    number: int
    wanted: int

    @property
    def is_replaced(self) -> bool:
        """True when the wanted port was taken and another one stands in for it."""
        return self.wanted not in (0, self.number)


def is_free(number: int) -> bool:
    """Tell whether a listener could open this port on 127.0.0.1 now.

    Args:
        number: Port, 1 to 65535.

    Returns:
        False when somebody listens there, on 127.0.0.1 or on all interfaces.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection in TIME_WAIT does not make a port taken, a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, number))
        except OSError:
            return False
    return True


def choose(wanted: int, *, not_these: frozenset[int] = frozenset()) -> Port:
    """Return the wanted port when it is free, else one the operating system names.

    Args:
        wanted: Port that is usual for the service, 1 to 65535; 0 for any.
        not_these: Ports already promised to other services of the stack.

    Returns:
        The port, free at the moment of the call.
    """
    if wanted and wanted not in not_these and is_free(wanted):
        return Port(wanted, wanted)
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((LOOPBACK, 0))
            number = int(probe.getsockname()[1])
        if number not in not_these:
            return Port(number, wanted)
