"""Long lists: every session of a large project in one request, in the forms that clients ask for."""

from __future__ import annotations

import csv
import io
import json
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from xnat_twin.access.auth import hash_password
from xnat_twin.site import Site
from xnat_twin.storage.store import Experiment, Membership, Project, Subject, User

from .practice import PASSWORD, BenchError, Client, Practice
from .report import Figure

PROJECT = "MANY"
_COLLABORATOR = "reader"
#: What xnatpy, pyxnat and the other clients of the reference ask for.
_COLUMNS = "ID,label,date,xsiType,subject_label,subject_ID,insert_date,xnat:mrSessionData/scanner/manufacturer,note"
_SECONDS = 5


def prepare(data: Path, sessions: int = 20_000) -> None:
    """Write the project into the database below `data`, where no server is running yet; by HTTP it takes an hour."""
    site = Site.open(data, admin_password=PASSWORD)
    with site.store.writing() as database:
        project = Project(id=PROJECT, key=PROJECT.lower(), accessibility="private", insert_user="admin")
        reader = User(login=_COLLABORATOR, password=hash_password(PASSWORD))
        database.add_all([project, reader])
        database.flush()
        database.add(Membership(project_id=project.project_id, user_id=reader.user_id, group="Collaborators"))
        for number in range(sessions):
            if number % 4 == 0:  # four visits each
                subject = Subject(id=f"BENCH_S{number:06}", label=f"S{number:06}", project=project, fields={})
            database.add(
                Experiment(
                    id=f"BENCH_E{number:06}",
                    label=f"S{number:06}_MR",
                    xsi_type="xnat:mrSessionData",
                    project=project,
                    subject=subject,
                    insert_user="admin",
                    fields={"date": "2024-02-29", "scanner/manufacturer": "SIEMENS", "note": f"visit {number % 4}"},
                )
            )
    site.close()


def run(practice: Practice, *, sessions: int = 20_000) -> list[Figure]:
    """Seconds for each way to ask for the list."""
    with closing(practice.client()) as admin, closing(practice.client(_COLLABORATOR)) as reader:
        project = f"/data/projects/{PROJECT}/experiments"
        practice.forget_peak()
        plain = _timed(admin, project, {}, sessions)
        named = {
            "as CSV": _timed(admin, project, {"format": "csv"}, sessions),
            f"with {_COLUMNS.count(',') + 1} columns=": _timed(admin, project, {"columns": _COLUMNS}, sessions),
            "of one xsiType=": _timed(admin, project, {"xsiType": "xnat:mrSessionData"}, sessions),
            "of the whole site, for a collaborator": _timed(reader, "/data/experiments", {}, sessions),
        }
        memory = practice.peak_megabytes
    return [
        Figure(f"{sessions:,} sessions of a project", plain, "s", _SECONDS, "most"),
        *(Figure(f"    {name}", seconds, "s", _SECONDS, "most") for name, seconds in named.items()),
        *(Figure(f"    {name} : plain", seconds / plain, "") for name, seconds in named.items()),
        Figure("    most memory of the server", memory, "MB"),
    ]


def _timed(client: Client, path: str, query: dict[str, str], sessions: int) -> float:
    """Seconds until the last byte is here. Raises BenchError if a session is missing or has other values."""
    started = time.perf_counter()
    answer = client.send("GET", f"{path}?{urlencode(query)}").decode()
    seconds = time.perf_counter() - started
    if query.get("format") == "csv":
        rows = list(csv.DictReader(io.StringIO(answer)))
    else:
        rows = json.loads(answer)["ResultSet"]["Result"]
    found = {row["ID"]: (row["label"], row["date"]) for row in rows}
    if found != {f"BENCH_E{n:06}": (f"S{n:06}_MR", "2024-02-29") for n in range(sessions)}:
        raise BenchError(f"{path}?{urlencode(query)}: {len(rows)} rows, not the {sessions} sessions that are there")
    return seconds
