"""Projects that a user has marked: `/data/users/favorites/Project/ID`. Reference: UserFavoriteResource."""

from __future__ import annotations

from falcon import Request, Response
from sqlalchemy import delete, select

from xnat_twin.lists.tables import Table
from xnat_twin.resources.base import Endpoint, send_table, user_of
from xnat_twin.storage.store import Favorite, Project


class UserFavorite(Endpoint):
    """PUT marks, DELETE takes the mark away; both answer with all that are marked, also for what does not exist."""

    def on_put(self, req: Request, resp: Response, kind: str, project: str) -> None:
        with self.writing(req) as finder:
            found = finder.project(project)
            if found is not None:
                finder.session.merge(Favorite(user_id=user_of(req).user_id, project_id=found.project_id))
        self._answer(req, resp)

    def on_delete(self, req: Request, resp: Response, kind: str, project: str) -> None:
        with self.writing(req) as finder:
            numbers = select(Project.project_id).where(Project.id == project)
            finder.session.execute(
                delete(Favorite).where(Favorite.user_id == user_of(req).user_id, Favorite.project_id.in_(numbers))
            )
        self._answer(req, resp)

    def _answer(self, req: Request, resp: Response) -> None:
        with self.reading(req) as finder:
            query = (
                select(Project.id)
                .join(Favorite, Favorite.project_id == Project.project_id)
                .where(Favorite.user_id == user_of(req).user_id)
                .order_by(Project.id)
            )
            rows = [{"id": identifier} for identifier in finder.session.scalars(query)]
        send_table(req, resp, Table(("id",), rows, "User Favorites", total_records=False))
