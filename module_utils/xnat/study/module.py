"""The Ansible glue of the modules that take a whole study: their options, and the source that these mean.

Apart from module.py, because these modules need more than one that sends a file does: Ansible packs what is imported.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from ansible.module_utils.common.parameters import remove_values

from ..errors import InputError, XnatError
from ..model import Outcome
from ..module import CONNECTION, XnatModule
from ..plan import OVERWRITE
from ..progress import Progress
from . import output, report, summary, upload
from .sources import bids, bids_names, bids_options, biobank, manifest, pattern
from .study import Study
from .study_plan import COMPARE
from .verify import DIGEST_POLICIES

SOURCES = ("bids", "biobank", "manifest", "pattern", "regex")


def _choices(default: str, choices: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "str", "choices": list(choices), "default": default}


# The choices of the sources, with their types; what is not given is left to the default that the source has.
_BIDS = {
    "keep_prefix": {"type": "bool"},
    "session": {"type": "str"},
    "session_without_folder": {"type": "str"},
    "scan_id": {"type": "str", "choices": list(bids_options.SCAN_IDS)},
    "quality": {"type": "str"},
    "sidecar_resource": {"type": "str"},
    "gradients": {"type": "str", "choices": list(bids_options.GRADIENTS)},
    "dataset_files": {"type": "bool"},
    "folders": {"type": "list", "elements": "str", "choices": sorted(bids_names.OPAQUE_FOLDERS)},
    "participants": {"type": "str"},
    "shifted_dates": {"type": "bool"},
}
_BIOBANK: dict[str, dict[str, Any]] = {
    "table": {"type": "path"},
    "eid_column": {"type": "str"},
    "variables": {"type": "list", "elements": "str"},
    "lookup": {"type": "path"},
    "withdrawn": {"type": "path"},
    "fields": {"type": "list", "elements": "str"},
    "members": {"type": "list", "elements": "str"},
    "keep_zips": {"type": "bool"},
}


def source_options() -> dict[str, Any]:
    """Return the options that say what a study is made from."""
    return {
        "project": {"type": "str"},
        "bids": {"type": "path"},
        "bids_options": {"type": "dict", "options": _BIDS},
        "biobank": {"type": "list", "elements": "path"},
        "biobank_options": {"type": "dict", "options": _BIOBANK},
        "manifest": {"type": "path"},
        "pattern": {"type": "str"},
        "regex": {"type": "str"},
        "root": {"type": "path"},
        "defaults": {"type": "dict", "default": {}},
        "clean_labels": {"type": "bool", "default": False},
        "subjects": {"type": "list", "elements": "str"},
        "project_files": {"type": "bool", "default": True},
        "allow_empty": {"type": "bool", "default": False},
    }


def upload_options() -> dict[str, Any]:
    """Return the argument spec of xnat_upload."""
    known = upload.Options()
    return {
        **CONNECTION,
        **source_options(),
        "overwrite": _choices(known.overwrite, OVERWRITE),
        "compare": _choices(known.compare, COMPARE),
        "digest_policy": _choices(known.digest_policy, DIGEST_POLICIES),
        "mirror": {"type": "bool", "default": known.mirror},
        "max_delete": {"type": "int", "default": known.max_delete},
        "phi": _choices(known.phi, upload.PHI),
        "snapshots": {"type": "bool", "default": known.snapshots},
        "workers": {"type": "int", "default": known.workers},
        "batch": {"type": "int", "default": known.batch},
        "max_failures": {"type": "int", "default": known.max_failures},
        "report": {"type": "path"},
    }


def read_study(params: dict[str, Any]) -> Study:
    """Return the study that the options mean. Raises InputError for whatever cannot be meant or read."""
    source = next(name for name in SOURCES if params[name] is not None)
    if source != "manifest" and not params["project"]:
        raise InputError("project: is missing. Only a manifest may say in a column of its own where everything goes.")
    try:
        study = _read(source, params)
    except OSError as error:
        # For instance a folder above the data that the account may not look into.
        raise InputError(f"{source}: cannot read {error.filename}: {error.strerror}. Check who may read it.") from error
    if params["subjects"] is not None:
        study = study.only(params["subjects"], project_files=params["project_files"])
    elif not params["project_files"]:
        study = study.only((of.subject for of in study.addresses("subject") if of.subject), project_files=False)
    return study


def _read(source: str, params: dict[str, Any]) -> Study:
    project, empty = params["project"], params["allow_empty"]
    root = Path(params["root"]) if params["root"] else None
    if source == "bids":
        chosen = {name: value for name, value in (params["bids_options"] or {}).items() if value is not None}
        chosen["folders"] = tuple(chosen.get("folders", ()))
        options = bids.Options(**chosen, allow_empty=empty, keep_phi=params.get("phi") == "keep")
        return bids.read(Path(params["bids"]), project, options)
    if source == "biobank":
        chosen = {name: value for name, value in (params["biobank_options"] or {}).items() if value is not None}
        return biobank.read([Path(folder) for folder in params["biobank"]], project, **chosen)
    if source == "manifest":
        return manifest.read(params["manifest"], root, project, defaults=params["defaults"], allow_empty=empty)
    if root is None:
        raise InputError(f"root: is missing. It is the folder that the paths of {source} are below.")
    return pattern.read(
        root,
        project,
        params["pattern"],
        params["regex"],
        defaults=params["defaults"],
        clean_labels=params["clean_labels"],
        allow_empty=empty,
    )


class StudyModule(XnatModule):
    """A module that takes a whole study."""

    def __init__(self, options: dict[str, Any], **more: Any) -> None:
        """Read and check the options; nothing is sent yet."""
        super().__init__(options, mutually_exclusive=[SOURCES], required_one_of=[SOURCES], **more)
        self._found: dict[str, Any] = {}
        self._carried: upload.Result | None = None

    def __enter__(self) -> StudyModule:
        """Check that the library for requests is there, unless nothing will be sent: then it is named as missing."""
        if "url" in self.params:
            super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the module with a result, the files of a study written one by one."""
        with output.rows_in_place(self._public_rows):
            super().__exit__(kind, error, trace)

    def _public_rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of all files as Ansible lets a result out: without what is secret."""
        secrets = [str(secret) for secret in self.ansible.no_log_values]
        for row in self._rows():
            text = "\n".join(map(str, row.values()))
            # Ansible looks at each value by itself, which takes its time for a hundred thousand rows without a secret.
            hit = any(secret in text for secret in secrets)
            yield remove_values(row, self.ansible.no_log_values) if hit else row

    def _rows(self) -> Iterator[dict[str, Any]]:
        return report.rows(self._carried.study, self._carried.files) if self._carried else iter(())

    def _result(self) -> dict[str, Any]:
        if self._session is None:
            return {"changed": False, **self._found}
        known = super()._result()
        return {**{name: known[name] for name in ("changed", "diff", "requests")}, **self._found}

    def look_at_study(self) -> None:
        """Say what is in the study, and send nothing."""
        study = read_study(self.params)
        found = summary.summary(study)
        missing = summary.missing_packages(study)
        self._found = {**found, "missing_packages": missing, "python": sys.executable}

    def upload_study(self) -> None:
        """Make XNAT hold the study, and say what became of each file."""
        params = self.params
        started = time.monotonic()
        if params["report"]:
            report.check_path(params["report"])
        names = {field.name for field in fields(upload.Options)}
        options = upload.Options(
            **{name: params[name] for name in names if name in params},
            number_scans=bool(params["bids"]) and (params["bids_options"] or {}).get("scan_id") != "stem",
        )
        study = read_study(params)
        session = self._connect(pool=options.workers)
        # What differs is as long as the study, so it is only told to who asks.
        diff = bool(self.ansible._diff) or session.check_mode
        with tempfile.TemporaryDirectory(prefix="xnat-upload-") as scratch:
            result = upload.run(session, study, options, Path(scratch), Progress(), diff=diff)
        self._carried = result
        totals = report.totals(
            result.files,
            requests=session.request_count,
            sent_bytes=result.sent_bytes,
            seconds=time.monotonic() - started,
        )
        remarks = [asdict(remark) for remark in result.remarks]
        if params["report"] and not session.check_mode:
            report.write(params["report"], self._rows(), totals, remarks)
        self._outcome = Outcome(result.changed, result.before, result.after)
        self._found = {"files": output.PLACEHOLDER, "objects": result.objects, "totals": totals, "remarks": remarks}
        if result.problems:
            raise XnatError(_failure(result, totals), changed=result.changed, **self._found)


def _failure(result: upload.Result, totals: dict[str, Any]) -> str:
    """Say in one message what was not done, with the first reasons, and what to do."""
    lines = [f"{totals['failed']} of {totals['files']} files are not proven to be in XNAT as they are here."]
    if not totals["files"]:
        lines = [f"{result.objects['failed']} of {sum(result.objects.values())} objects could not be written."]
    lines += [problem if problem.endswith(".") else f"{problem}." for problem in result.problems[:5]]
    if len(result.problems) > len(lines[1:]):
        lines.append(f"And {len(result.problems) - 5} more, in `files` and in the report.")
    lines.append("What has arrived is not sent again: run the same once more when the reason is gone.")
    return " ".join(lines)
