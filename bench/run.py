"""All benches, one after the other: ratios taken side by side in one run, against what we promise.

python bench/run.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHES = ("bench_lad.py", "bench_parse.py", "bench_load.py")


def main() -> int:
    """Run every bench; 1 when one of them missed its bound."""
    missed = []
    for name in BENCHES:
        print(f"{name} …", flush=True)
        if subprocess.run([sys.executable, Path(__file__).with_name(name)], check=False).returncode:
            missed.append(name)
    print(f"missed: {', '.join(missed)}" if missed else "every ratio is within its bound")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
