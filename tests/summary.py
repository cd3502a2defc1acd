"""Print what the test suites counted, one line each, from the reports that they wrote. The last line is the sum."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def counts(report: Path) -> tuple[int, int, float]:
    """(passed, failed, seconds) of one JUnit report; an error counts as a failure, a skipped test as neither."""
    passed = failed = 0
    seconds = 0.0
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 (pytest wrote it a moment ago)
        number = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
        failed += number["failures"] + number["errors"]
        passed += number["tests"] - number["failures"] - number["errors"] - number["skipped"]
        seconds += float(suite.get("time", "0"))
    return passed, failed, seconds


def main(reports: list[str]) -> int:
    """Print the summary of the named reports; the status is 1 if a test failed or a suite ran none."""
    total = [0, 0]
    empty = False
    print("\nTest summary")
    for name in reports:
        passed, failed, seconds = counts(Path(name))
        empty = empty or passed + failed == 0
        total = [total[0] + passed, total[1] + failed]
        print(f"  {Path(name).stem:<16}{passed:>6} passed{failed:>6} failed{seconds:>8.0f} s")
    print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] or empty else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
