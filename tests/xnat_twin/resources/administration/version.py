"""`/data/version`: the text that 1.6 answers with, and that later versions have no more; clients ask for it first.

Reference: VersionRepresentation (1.6).
"""

from __future__ import annotations

from falcon import Request, Response

from xnat_twin.errors import StatusError
from xnat_twin.resources.base import Endpoint, send_text


class Version(Endpoint):
    """Open in 1.6. Later a 404, and only for those who are logged in: the path is not open any more."""

    def on_get(self, req: Request, resp: Response) -> None:
        if not self.site.flavour.data_version:
            raise StatusError(404)
        send_text(resp, self.site.version)
