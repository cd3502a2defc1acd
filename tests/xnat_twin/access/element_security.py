"""Whether a data type may be used in a project: it must be registered, have tables, and its rights must be given.

XNAT keeps all this in memory, so what is registered counts from the next start on. Only a deployed 1.6 looks at it.
Reference: ElementSecurity, SecurityManager, UserGroup.
"""

from __future__ import annotations

from sqlalchemy import delete, inspect, select
from sqlalchemy.orm import Session

from xnat_twin.errors import StatusError
from xnat_twin.storage.database import Store
from xnat_twin.storage.store import ElementAccess, ElementSecurity, PrimarySecurityField, Project


def table_name(data_type: str) -> str:
    """The table that XNAT keeps objects of a type in: `dpuk_dpukassessmentdata` of `dpuk:dpukAssessmentData`."""
    return data_type.replace(":", "_").lower()


class RegisteredTypes:
    """What the database said of rights when the application started."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.reading() as session:
            judged = set(session.scalars(select(PrimarySecurityField.element_name)))
            self._names = {name for name in session.scalars(select(ElementSecurity.element_name)) if name in judged}
            given = {(row.element_name, row.project) for row in session.scalars(select(ElementAccess))}
            projects = set(session.scalars(select(Project.id)))
        #: Projects that are older than a type, and whose groups were never given rights on it.
        self._without = {(name, project) for name in self._names for project in projects} - given

    def require(self, project: Project, data_type: str) -> None:
        """403 without rights. 500 for a type that has rights and no table, as of any error of SQL."""
        if data_type not in self._names or (data_type, project.id) in self._without:
            raise StatusError(
                403, "Specified user account has insufficient create privileges for experiments in this project."
            )
        if not inspect(self._store.engine).has_table(table_name(data_type)):
            raise StatusError(500, f'ERROR: relation "{table_name(data_type)}" does not exist')

    def give(self, session: Session, project: Project) -> None:
        """The groups of a new project have rights on all types that are registered."""
        for name in sorted(self._names):
            session.merge(ElementAccess(element_name=name, project=project.id))
        self._without = {pair for pair in self._without if pair[1] != project.id}

    def take(self, session: Session, project: str) -> None:
        """The groups of a project that is deleted go with it."""
        session.execute(delete(ElementAccess).where(ElementAccess.project == project))
