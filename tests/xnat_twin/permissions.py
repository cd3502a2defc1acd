"""What a user may do in a project. Groups and accessibility are XNAT's; everything below a project inherits them."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from .store import Membership, Project, User

GROUPS = ("Owners", "Members", "Collaborators")


class Access(IntEnum):
    """Each level includes those before it."""

    NONE = 0
    PROJECT = 1  # the project's own page, not its data: what "protected" gives to everyone
    READ = 2
    EDIT = 3  # create and change; upload and overwrite files, but not delete them
    DELETE = 4  # and change the project's settings and users


_OF_GROUP = {"Owners": Access.DELETE, "Members": Access.EDIT, "Collaborators": Access.READ}
_OF_ACCESSIBILITY = {"public": Access.READ, "protected": Access.PROJECT, "private": Access.NONE}


def access(session: Session, user: User, project: Project) -> Access:
    """The level of `user` in `project`."""
    if user.admin:
        return Access.DELETE
    everyone = _OF_ACCESSIBILITY[project.accessibility]
    group = group_of(session, user, project)
    return max(everyone, _OF_GROUP[group]) if group else everyone


def group_of(session: Session, user: User, project: Project) -> str | None:
    """The user's group in the project."""
    return session.scalar(
        select(Membership.group).where(Membership.project_id == project.project_id, Membership.user_id == user.user_id)
    )
