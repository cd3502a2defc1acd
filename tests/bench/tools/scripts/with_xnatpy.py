"""XNATpy in its ordinary way, for each row of a table: objects are made with their classes, files by `upload`.

The sessions of the project are asked for once. In those that are there, each file is looked for.
Arguments: URL, user, password, project, table.
"""

from __future__ import annotations

import csv
import importlib
import sys
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

xnat: Any = importlib.import_module("xnat")  # by name, which module_utils/xnat shares

url, user, password, project_label, images = sys.argv[1:]
with xnat.connect(url, user, password) as connection:
    project = connection.projects[project_label]
    classes = connection.classes
    there = set(project.experiments.key_map)
    with Path(images).open(newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    for (subject_label, label), of_session in groupby(rows, itemgetter("subject", "session")):
        if label in there:
            session = project.experiments[label]
        else:
            subject = classes.SubjectData(parent=project, label=subject_label)
            session = classes.MrSessionData(parent=subject, label=label)
        for (number, scan_type), of_scan in groupby(of_session, itemgetter("scan", "scan_type")):
            if label in there:
                resource = session.scans[number].resources["NIFTI"]
                names = {file.path for file in resource.files}
            else:
                scan = classes.MrScanData(parent=session, id=number, type=scan_type)
                resource, names = scan.create_resource("NIFTI"), set()
            for row in of_scan:
                path = Path(row["path"])
                if path.name not in names:
                    resource.upload(str(path), path.name)
