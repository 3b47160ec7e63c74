"""Free TCP ports on 127.0.0.1: the usual port of a service if it is free, else another one."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Port:
    """A port for a service.

    Attributes:
        number: Port to listen on, 1 to 65535.
        wanted: Port that is usual for the service; 0 for any.
    """

    number: int
    wanted: int

    @property
    def is_replaced(self) -> bool:
        """Whether the wanted port was taken."""
        return self.wanted not in (0, self.number)


def is_free(number: int) -> bool:
    """Return whether a server could listen on this port of 127.0.0.1 now."""
    with closing(socket.socket()) as probe:
        # As servers do: a connection in TIME_WAIT does not make a port taken, a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, number))
        except OSError:
            return False
    return True


class Desk(ExitStack):
    """Reserves ports until it is closed, so that two stacks that start at once get different ones.

    The service must be able to open its port, so the desk does not open it. A reservation is a socket with
    the port's name in Linux's abstract namespace, which ends with the process. On other systems two
    simultaneous starts may choose the same port.
    """

    def choose(self, wanted: int = 0) -> Port:
        """Reserve the wanted port if it is free, else one that the operating system chooses (0: any port)."""
        if wanted and is_free(wanted) and self._hold(wanted):
            return Port(wanted, wanted)
        while True:
            with closing(socket.socket()) as probe:
                probe.bind((LOOPBACK, 0))
                number = int(probe.getsockname()[1])
            if self._hold(number):
                return Port(number, wanted)

    def _hold(self, number: int) -> bool:
        if sys.platform != "linux":
            return True
        reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            reservation.bind(f"\0klimatpuls-port-{number}")
        except OSError:
            reservation.close()
            return False
        self.enter_context(reservation)
        return True
