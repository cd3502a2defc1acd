"""Which scanners and which types of scans there are: in the whole site, whether the caller may read them or not.

Reference: ScannerListing, ScanTypeListing
"""

from __future__ import annotations

from collections.abc import Mapping

from falcon import Request, Response
from sqlalchemy import select

from xnat_twin.errors import StatusError
from xnat_twin.lists.tables import Table
from xnat_twin.resources.base import Endpoint, params_of, send_table
from xnat_twin.storage.store import Experiment, Scan

_SESSIONS = {f"xnat_{code}sessiondata": f"xnat:{code}SessionData" for code in ("mr", "pet", "ct")}
_SCANS = {f"xnat_{code}scandata": f"xnat:{code}ScanData" for code in ("mr", "pet")}


class ScannerList(Endpoint):
    """`/data/scanners`: of MR sessions, or of the kind that `table` names."""

    def on_get(self, req: Request, resp: Response) -> None:
        xsi_type = _type(req, _SESSIONS, "xnat_mrSessionData")
        with self.reading(req) as finder:
            found = finder.session.scalars(select(Experiment.fields).where(Experiment.xsi_type == xsi_type))
            scanners = sorted({str(fields["scanner"]) for fields in found if "scanner" in fields})
        send_table(req, resp, Table(("scanner",), [{"scanner": one} for one in scanners], "Scanners"))


class ScanTypeList(Endpoint):
    """`/data/scan_types` and `/data/projects/P/scan_types`: each type, and what the series of that type are called."""

    def on_get(self, req: Request, resp: Response, project: str | None = None) -> None:
        xsi_type = _type(req, _SCANS, "xnat_mrScanData")
        with self.reading(req) as finder:
            query = select(Scan.fields).where(Scan.xsi_type == xsi_type).order_by(Scan.scan_id)
            if project is not None:
                home = finder.require_project(project)
                query = query.join(Scan.experiment).where(Experiment.project_id == home.project_id)
            descriptions: dict[str, str] = {}
            for fields in finder.session.scalars(query):
                name, series = str(fields.get("type", "")), fields.get("series_description")
                descriptions[name] = descriptions.get(name, "") + (f"{series}," if series is not None else "")
        rows = [{"series_descriptions": descriptions[name], "type": name} for name in sorted(descriptions)]
        send_table(req, resp, Table(("series_descriptions", "type"), rows, "Scan Types"))


def _type(req: Request, known: Mapping[str, str], default: str) -> str:
    """The data type of the database's table that is asked for. 403 for a table that must not be read here."""
    table = params_of(req).get("table", default)
    if table.lower() not in known:
        raise StatusError(403)
    return known[table.lower()]
