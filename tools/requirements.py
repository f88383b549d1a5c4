"""Print requirement → tests that prove it, and which requirements have none. The list of IDs is docs/requirements.txt."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARK = re.compile(r"mark\.req\(([^)]*)\)")
TEST = re.compile(r"^\s*(?:async )?def (test_\w+)|^\s*class (\w+)")


def proofs() -> dict[str, list[str]]:
    """Requirement ID → ``file::test`` names, read from the sources."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("*.py")):
        waiting: list[str] = []
        module: list[str] = []
        for line in path.read_text().splitlines():
            if marks := MARK.search(line):
                ids = re.findall(r"[A-Z]+-\d{2}", marks[1])
                (module if line.startswith("pytestmark") or "pytestmark" in line else waiting).extend(ids)
            elif test := TEST.match(line):
                name = test[1] or test[2]
                for one in {*waiting, *(module if test[1] else [])}:
                    found[one].append(f"{path.relative_to(ROOT)}::{name}")
                waiting = []
    return found


def main() -> int:
    known = (ROOT / "docs" / "requirements.txt").read_text().split()
    found = proofs()
    for one in known:
        tests = found.get(one, [])
        print(f"{one:<9} {len(tests):>3}  {tests[0] if tests else '— no test yet'}")
        for test in tests[1:]:
            print(f"               {test}")
    missing = [one for one in known if one not in found]
    print(
        f"\n{len(known) - len(missing)} of {len(known)} requirements have tests; without: {' '.join(missing) or 'none'}"
    )
    unknown = sorted(set(found) - set(known))
    if unknown:
        print(f"unknown IDs in tests: {' '.join(unknown)}")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
