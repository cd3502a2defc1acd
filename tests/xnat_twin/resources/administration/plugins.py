"""`/xapi/plugins` and `/xapi/access`: what is installed, and which data types and projects the caller can use.

Reference: XnatPluginApi, DataAccessApi, ElementDisplayModel, RoleHolder.
"""

from __future__ import annotations

from typing import Any

from falcon import Request, Response
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from xnat_twin.access.permissions import group_id
from xnat_twin.datatypes.definitions import DataType
from xnat_twin.datatypes.modules import MODULES, Module
from xnat_twin.datatypes.schema import EXPERIMENT, IMAGE_ASSESSOR, IMAGE_SESSION, PROJECT, SUBJECT, SUBJECT_ASSESSOR
from xnat_twin.errors import XapiError
from xnat_twin.lookup.finder import Finder
from xnat_twin.resources.administration.xapi import XapiEndpoint, not_found
from xnat_twin.resources.base import send_json
from xnat_twin.storage.store import Experiment, Membership, Project


class Plugins(XapiEndpoint):
    """`/xapi/plugins[/ID]`: the installed plugins by ID."""

    def on_get(self, req: Request, resp: Response) -> None:
        send_json(resp, self._all())

    def on_get_one(self, req: Request, resp: Response, plugin: str) -> None:
        found = self._all().get(plugin)
        if found is None:
            raise not_found(f"No plugin with ID {plugin} could be found on this system")
        send_json(resp, found)

    def _all(self) -> dict[str, dict[str, Any]]:
        """Those of the command line, and those of the home folder."""
        found = {name: _described(MODULES[name]) for name in self.site.modules}
        found |= {name: plugin.described() for name, plugin in self.site.plugins.items()}
        return dict(sorted(found.items()))


def _described(module: Module) -> dict[str, Any]:
    class_name = "".join(word.capitalize() for word in module.name.split("-")) + "Plugin"
    return {
        "pluginClass": f"uk.dpuk.xnat.{class_name}",
        "id": module.name,
        "name": module.title,
        "version": "1.0.0",
        "description": module.description,
        "beanName": class_name[0].lower() + class_name[1:],
        "entityPackages": [],
        "dataModelBeans": [{"type": found.name} for found in module.types()],
        "extendedAttributes": {},
    }


class ProjectRoles(XapiEndpoint):
    """`/xapi/access/projects`: the groups of the caller, one entry each; groups about all data have no project."""

    def on_get(self, req: Request, resp: Response) -> None:
        with self.reading(req) as finder:
            query = (
                select(Project, Membership.group)
                .join(Membership, Membership.project_id == Project.project_id)
                .where(Membership.user_id == finder.user.user_id)
            )
            found = [
                {
                    "ID": project.id,
                    "secondary_ID": project.fields.get("secondary_ID", project.id),
                    "name": project.fields.get("name", project.id),
                    "description": project.fields.get("description", ""),
                    "role": group,
                    "group_id": group_id(project.id, group),
                    "URI": f"/data/projects/{project.id}",
                }
                for project, group in finder.session.execute(query)
            ]
        send_json(resp, sorted(found, key=lambda entry: str(entry["secondary_ID"])))


_CREATEABLE = frozenset({"createable", "creatable"})
_BROWSEABLE_CREATEABLE = frozenset({"browseableCreateable", "browseableCreatable"})
_READABLE = frozenset({"browseable", "searchable", "searchableByDesc", "searchableByPluralDesc"})
_DISPLAYS = ["browseable", "browseableCreateable", "createable", "searchable", "searchableByDesc"]


class ElementDisplays(XapiEndpoint):
    """`/xapi/access/displays[/KIND]`: data types that the caller may create, or of which there are data that he sees.

    `readable` and `editable` sound right and are 400.
    """

    def on_get(self, req: Request, resp: Response) -> None:
        send_json(resp, [*_DISPLAYS, "searchableByPluralDesc"])

    def on_get_one(self, req: Request, resp: Response, display: str) -> None:
        if display not in _CREATEABLE | _BROWSEABLE_CREATEABLE | _READABLE:
            raise XapiError(400, f'The requested element display "{display}" is not recognized.\n')
        with self.reading(req) as finder:
            if display in _READABLE:
                shown = self._with_data(finder.session)
            else:
                shown = self.site.types.secured() if self._may_create(finder) else []
        send_json(resp, [self._model(found) for found in shown])

    def _with_data(self, session: Session) -> list[DataType]:
        used = set(session.scalars(select(Experiment.xsi_type).distinct()))
        return [found for found in self.site.types.secured() if found.name in used | {SUBJECT, PROJECT}]

    def _may_create(self, finder: Finder) -> bool:
        user = finder.user
        if user.admin or user.all_data_admin:
            return True
        own = select(Membership.user_id).where(
            Membership.user_id == user.user_id, Membership.group.in_(("Owners", "Members"))
        )
        return bool(finder.session.scalar(select(exists(own))))

    def _model(self, data_type: DataType) -> dict[str, Any]:
        def is_a(ancestor: str) -> bool:
            return self.site.types.instance_of(data_type.name, ancestor)

        return {
            "elementName": data_type.name,
            "properName": data_type.element.partition(":")[2],
            "singular": data_type.singular,
            "plural": data_type.plural,
            "supportsBrief": True,
            "supportsDetailed": True,
            "isExperiment": is_a(EXPERIMENT),
            "isSubjectAssessor": is_a(SUBJECT_ASSESSOR),
            "isImageAssessor": is_a(IMAGE_ASSESSOR),
            "isImageSession": is_a(IMAGE_SESSION),
            "isImageScan": False,
            "actions": {},
        }
