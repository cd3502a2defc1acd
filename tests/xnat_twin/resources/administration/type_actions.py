"""`/xapi/datatypes/TYPE/actions` (1.10): what pages offer to do with objects of a type. No page here offers any of it.

Reference: xnat-rest-tests TestDataTypesApi; the API's own source we do not have.
"""

from __future__ import annotations

import re

from falcon import Request, Response
from sqlalchemy import select

from xnat_twin.datatypes.schema import UnknownTypeError
from xnat_twin.errors import XapiError
from xnat_twin.resources.administration.xapi import XapiEndpoint, json_body, not_found
from xnat_twin.resources.base import send_json, user_of
from xnat_twin.storage.store import ElementAction

_NAME = re.compile(r"[A-Za-z0-9_-]+")


class TypeActions(XapiEndpoint):
    """A type has none until administrators add some; one of the same name takes the place of the former."""

    def on_get(self, req: Request, resp: Response, name: str) -> None:
        user_of(req)
        xsi_type = self._type(name)
        query = select(ElementAction).where(ElementAction.xsi_type == xsi_type).order_by(ElementAction.action_id)
        with self.reading(req) as finder:
            send_json(resp, [one.details for one in finder.session.scalars(query)])

    def on_post(self, req: Request, resp: Response, name: str) -> None:
        self.admin(req, resp)
        xsi_type, actions = self._type(name), json_body(req)
        if not isinstance(actions, list) or not all(isinstance(one, dict) for one in actions):
            raise XapiError(500, "Could not read document: it is not a list of actions")
        if not actions:
            send_json(resp, {"message": "No actions to add"})
            return
        for action in actions:
            if wrong := _complaint(action.get("name")):
                send_json(resp, {"error": wrong}, 400)
                return
        with self.writing(req) as finder:
            for one in finder.session.scalars(select(ElementAction).where(ElementAction.xsi_type == xsi_type)):
                if one.details["name"] in {action["name"] for action in actions}:
                    finder.session.delete(one)
            finder.session.add_all(ElementAction(xsi_type=xsi_type, details=action) for action in actions)
        send_json(resp, {"message": f"Added {len(actions)} actions"})

    def _type(self, name: str) -> str:
        try:
            return self.site.types.resolve(name).name
        except UnknownTypeError:
            raise not_found(name) from None


def _complaint(name: object) -> str:
    if not isinstance(name, str) or not name:
        return "Action name is required"
    return "" if _NAME.fullmatch(name) else "Action name can only contain letters, numbers, underscores and hyphens"
