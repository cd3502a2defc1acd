"""The DPUK's recipe with pyxnat, for each row of a table: one interface, and the example's calls for each file.

Arguments: URL, user, password, project, table.
"""

from __future__ import annotations

import csv
import importlib
import sys
from pathlib import Path
from typing import Any

pyxnat: Any = importlib.import_module("pyxnat")  # has no types

url, user, password, label, rows = sys.argv[1:]
interface = pyxnat.Interface(server=url, user=user, password=password)
project = interface.select.project(label)
typed = set()
with Path(rows).open(newline="") as table:
    for row in csv.DictReader(table, delimiter="\t"):
        # pyxnat makes what is missing: subject, session, scan and resource.
        scan = project.subject(row["subject"]).experiment(row["session"]).scan(row["scan"])
        file = scan.resource("NIFTI").file(Path(row["path"]).name)
        if not file.exists():
            file.put(row["path"], format=" ", content=" ", tags=" ")
            if (row["session"], row["scan"]) not in typed:  # the example does it for each file; once is enough
                scan.attrs.set("type", row["scan_type"])
                typed.add((row["session"], row["scan"]))
interface.disconnect()
