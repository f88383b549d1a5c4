"""``python tools/run_tests.py [pytest's options]``: the whole suite; what hears, looks and kills in real time gets a second try alone.

Journeys in a browser, telephone calls and killed programs meet the clock of a machine that all workers share. When nothing else failed, and few
of them, they are run once more with nothing beside; what fails then has failed. Both runs are printed. Every other test has one try.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAILED = ROOT / ".pytest_cache/v/cache/lastfailed"
REAL_TIME = ("tests/e2e/", "tests/voice/", "tests/crash/")
FEW = 4


def main(options: list[str]) -> int:
    """The exit code of pytest."""
    FAILED.unlink(missing_ok=True)
    code = subprocess.run([sys.executable, "-m", "pytest", *options], cwd=ROOT, check=False).returncode
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if code != 1 or not 0 < len(failed) <= FEW or not all(test.startswith(REAL_TIME) for test in failed):
        return code
    print("\nOnce more, alone, because they depend on the clock:", *failed, sep="\n  ", flush=True)
    return subprocess.run([sys.executable, "-m", "pytest", "-n0", "-v", *failed], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
