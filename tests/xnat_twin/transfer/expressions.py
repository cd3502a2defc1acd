"""Regular expressions of clients, for the paths of files. One that would never come to an end is given up.

Python matches without letting other threads work, so an expression that can take long is tried in another process.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence

from xnat_twin.errors import StatusError

#: Seconds for one expression and all paths.
PATIENCE = 5
_REPEATS = re.compile(r"[*+?{]")
_ELSEWHERE = """
import json, re, sys
expression, paths = json.load(sys.stdin)
matches = re.compile(expression).fullmatch
json.dump([number for number, path in enumerate(paths) if matches(path)], sys.stdout)
"""


def matching(beginning: str, paths: Sequence[str]) -> list[int]:
    """The numbers of those paths that the expression `beginning` describes, with anything after it.

    Raises re.error for what is no expression, StatusError(500) for one that takes too long.
    """
    expression = beginning + ".*"
    try:
        wanted = re.compile(expression)
    except (OverflowError, RecursionError) as error:
        raise re.error(str(error), expression, 0) from error
    if len(_REPEATS.findall(beginning)) < 2:  # nothing in it can be tried in many ways
        return [number for number, path in enumerate(paths) if wanted.fullmatch(path)]
    command = [sys.executable, "-I", "-c", _ELSEWHERE]
    asked = json.dumps([expression, paths])
    try:
        done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except subprocess.TimeoutExpired as error:
        raise StatusError(500) from error
    found: list[int] = json.loads(done.stdout)
    return found
