"""`/images/…`, `/scripts/…`, `/style/…`: files of a deployed application that Tomcat itself hands out to everybody."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from falcon import Request, Response

from xnat_twin.errors import StatusError
from xnat_twin.resources.base import Endpoint
from xnat_twin.site import Site

FOLDERS = ("images", "scripts", "style")


class DeployedFiles(Endpoint):
    """One of the three folders. Nothing outside of it is handed out, whatever the path says."""

    def __init__(self, site: Site, folder: str) -> None:
        super().__init__(site)
        self._root = (site.deployed.root / folder).resolve() if site.deployed else None

    def on_get(self, req: Request, resp: Response, path: str) -> None:
        if self._root is None:
            raise StatusError(404)
        file = Path(self._root, path).resolve()
        if not file.is_relative_to(self._root) or not file.is_file():
            raise StatusError(404)
        resp.content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        resp.data = file.read_bytes()
