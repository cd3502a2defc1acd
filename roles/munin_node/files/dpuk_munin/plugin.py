#!/usr/bin/python3
"""A munin plugin of the node's own. The name by which it is called says which: munin-run NAME, munin-run NAME config.

/etc/munin/plugins holds links to this file. The folder that its package is in is the first on Python's path.
"""

import sys
from pathlib import Path

# One that runs as root would leave a folder beside the package.
sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from dpuk_munin.run import main  # noqa: E402 - not before the path is set

sys.exit(main(Path(sys.argv[0]).name, sys.argv[1:]))
