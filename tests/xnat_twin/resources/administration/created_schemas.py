"""`/xapi/dbschemas` (1.10): the schemas of data types that were made at run time.

Reference: DBBackedSchemaApi, whose source we do not have: what is here is what TestDBBackedSchemaApi and
TestCustomDataTypeLifecycle ask of it.
"""

from __future__ import annotations

from falcon import Request, Response
from sqlalchemy import func, select

from xnat_twin.datatypes import new_types
from xnat_twin.datatypes.new_types import CreatedSchema
from xnat_twin.resources.administration.xapi import XapiEndpoint, not_found
from xnat_twin.resources.base import send_json
from xnat_twin.storage.store import Experiment


class CreatedSchemas(XapiEndpoint):
    """Everything here is for administrators."""

    def on_get(self, req: Request, resp: Response) -> None:
        self.admin(req, resp)
        found = [
            {
                "id": one.number,
                "name": one.name,
                "content": one.schema.text,
                "elements": [data_type.name for data_type in one.schema.types],
            }
            for one in new_types.created(self.site.schema_folder)
        ]
        send_json(resp, found)

    def on_get_file(self, req: Request, resp: Response, number: str) -> None:
        """`…/ID/schema`: the file, as a download."""
        self.admin(req, resp)
        found = self._find(number)
        resp.content_type = "application/xml"
        resp.set_header("Content-Disposition", f'attachment; filename="{found.name}.xsd"')
        resp.data = found.schema.text.encode()

    def on_post_load(self, req: Request, resp: Response, number: str) -> None:
        """`…/ID/load`: here what was made is there at once."""
        self.admin(req, resp)
        self._find(number)
        send_json(resp, {"status": "already_loaded"})

    def on_delete_one(self, req: Request, resp: Response, number: str) -> None:
        """500 while there are experiments of its types."""
        self.admin(req, resp)
        found = self._find(number)
        names = [data_type.name for data_type in found.schema.types]
        with self.writing(req) as finder:
            query = select(func.count()).select_from(Experiment).where(Experiment.xsi_type.in_(names))
            count = finder.session.scalar(query)
            if count:
                send_json(resp, {"error": f"Unable to delete schema {found.name}: it has {count} experiments"}, 500)
                return
            new_types.remove(self.site.types, found)
        send_json(resp, {"status": "deleted"})

    def _find(self, number: str) -> CreatedSchema:
        for one in new_types.created(self.site.schema_folder):
            if str(one.number) == number:
                return one
        raise not_found(f"schema {number}")
