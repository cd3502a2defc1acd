"""Run make targets beside each other: the first is seen as it goes, what the others say is kept and printed at the end.

    python tests/beside.py molecule,contract-remote molecule-dpuk,molecule-single

Targets with a comma between them run one after the other. The status is 1 if any of them failed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path


def start(targets: str, output: Path | None = None) -> subprocess.Popen[bytes]:
    """Run targets in their order, with all that they say in the file `output`."""
    command = ["make", "--no-print-directory", *targets.split(",")]
    if output is None:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL)
    with output.open("wb") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)


def main(lanes: list[str]) -> int:
    """Run each lane's targets; the status is 1 if a lane failed."""
    with tempfile.TemporaryDirectory() as folder:
        kept = [Path(folder, str(number)) for number, _ in enumerate(lanes[1:])]
        print(f"== {lanes[0]}; beside it, printed at the end: {'; '.join(lanes[1:])}", flush=True)
        started = [start(lanes[0]), *(start(lane, output) for lane, output in zip(lanes[1:], kept, strict=True))]
        failed = [lane for lane, process in zip(lanes, started, strict=True) if process.wait()]
        for lane, output in zip(lanes[1:], kept, strict=True):
            print(f"== {lane}", flush=True)
            sys.stdout.buffer.write(output.read_bytes())
            sys.stdout.flush()
    for lane in failed:
        print(f"== failed: {lane}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
