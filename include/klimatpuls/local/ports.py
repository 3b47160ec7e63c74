"""Free TCP ports on 127.0.0.1: the usual one when it is free, another one otherwise."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

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


class Desk:
    """Gives out ports and holds them until closed, so that two stacks that start at once get different ones.

    A port is not opened by being given out (its service must be able to do that), so the promise is kept by
    a socket of that name in Linux's abstract namespace, which ends with the process that holds it. Elsewhere
    two simultaneous starts may meet.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def choose(self, wanted: int = 0) -> Port:
        """Return the wanted port when it is free, else one the operating system names.

        Args:
            wanted: Port that is usual for the service, 1 to 65535; 0 for any.

        Returns:
            The port, free at the moment of the call and promised to nobody else.
        """
        if wanted and is_free(wanted) and self._hold(wanted):
            return Port(wanted, wanted)
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.bind((LOOPBACK, 0))
                number = int(probe.getsockname()[1])
            if self._hold(number):
                return Port(number, wanted)

    def _hold(self, number: int) -> bool:
        if sys.platform != "linux":
            return True
        promise = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            promise.bind(f"\0klimatpuls-port-{number}")
        except OSError:
            promise.close()
            return False
        self._held.append(promise)
        return True

    def close(self) -> None:
        """Take the promises back; by now the services hold the ports themselves."""
        for promise in self._held:
            promise.close()
        self._held.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
