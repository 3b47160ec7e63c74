"""The processes of a home as the kernel knows them, and where they listen."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from klimatpuls.local import processes

if TYPE_CHECKING:
    from klimatpuls.local.home import Home


def everything(home: Home) -> set[int]:
    """All processes of a home, its database's too."""
    return processes.of_home(home.root, home.root / "postgres")


def listeners(pids: set[int]) -> set[str]:
    """Local addresses, as the kernel writes them, of the TCP listeners of some processes."""
    inodes = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    inodes.add(str(entry.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.add(fields[1].partition(":")[0])
    return found
