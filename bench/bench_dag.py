"""The whole chain under Airflow on a whole year of SMHI's: wall time, the seconds of every hop, gates apart.

One run of ``klimatpuls run`` in a home of its own, on the bundled archive with every greenhouse gas and, by
the setting, all air pollutants beside the other sources: as `make run`, environment aside. The archive is
made before the clock starts.

    python bench/bench_dag.py
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from klimatpuls.replica.archive import make_archive
from klimatpuls.substances import substances

AT_MOST_S = 300.0
AS_OF = "2026-05-08"
HOP = re.compile(r"^│ (?P<hop>hop \d .+?) +│ +(?P<seconds>[\d.]+) │$", re.MULTILINE)
"""A row of the summary's table of seconds."""


def main() -> int:
    """Print the wall time and the hops of the run; 1 when it is over its bound."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    pollutants = {entry.code for entry in substances().values() if not entry.is_ghg}
    with tempfile.TemporaryDirectory() as made:
        archive = make_archive(Path(made) / "archive", pollutants=pollutants)
        began = time.perf_counter()
        ended = subprocess.run(
            [Path(sys.executable).with_name("klimatpuls"), "run"],
            env={
                **os.environ,
                "KLIMATPULS_HOME": str(Path(made) / "home"),
                "KLIMATPULS_AIR_POLLUTANTS": "all",
                "SOURCES": "replica",
                "ARCHIVE": str(archive),
                "AS_OF": AS_OF,
            },
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        wall = time.perf_counter() - began
    if ended.returncode != 0:
        sys.exit(f"the run ended with {ended.returncode}:\\n{ended.stdout}")
    hops = {found["hop"]: float(found["seconds"]) for found in HOP.finditer(ended.stdout)}
    if "hop 3 validate smhi_emissions" not in hops:
        sys.exit(f"the run told of no gates:\\n{ended.stdout}")
    print(
        json.dumps(
            {
                "bench": "dag",
                "wall_s": round(wall, 1),
                "wall_at_most": AT_MOST_S,
                "gates_s": hops["hop 3 validate smhi_emissions"],
                "hops": hops,
            }
        )
    )
    return 0 if wall <= AT_MOST_S else 1


if __name__ == "__main__":
    sys.exit(main())
