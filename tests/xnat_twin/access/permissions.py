"""What a user may do in a project. Groups and accessibility are XNAT's; everything below a project inherits them."""

from __future__ import annotations

from enum import IntEnum

from xnat_twin.storage.store import Project, User

GROUPS = ("Owners", "Members", "Collaborators")
ACCESSIBILITY = ("private", "protected", "public")


class Access(IntEnum):
    """Each level includes those before it."""

    NONE = 0
    PROJECT = 1  # the project's own page, not its data: what "protected" gives to everyone
    READ = 2
    EDIT = 3  # create and change; upload and overwrite files, but not delete them
    DELETE = 4  # and change the project's settings and users


OF_GROUP = {"Owners": Access.DELETE, "Members": Access.EDIT, "Collaborators": Access.READ}
OF_ACCESSIBILITY = {"public": Access.READ, "protected": Access.PROJECT, "private": Access.NONE}


def group_id(project: str, group: str) -> str:
    """`P_owner`: what XNAT calls the group Owners of the project P."""
    return f"{project}_{group.removesuffix('s').lower()}"


#: States in which an object is only seen by members of its project. Reference: PermissionsServiceImpl.secureItem
HIDDEN = frozenset({"quarantine", "obsolete"})
#: States in which resources and files of an object cannot be deleted. Reference: XFTItem.isLocked
LOCKED = frozenset({"locked", "obsolete"})


def access(user: User, group: str | None, project: Project) -> Access:
    """The level of `user`, who is in `group` of the project."""
    everyone = max(OF_ACCESSIBILITY[project.accessibility], everywhere(user))
    return max(everyone, OF_GROUP[group]) if group else everyone


def everywhere(user: User) -> Access:
    """The level that `user` has in every project: as administrator, or in ALL_DATA_ADMIN or ALL_DATA_ACCESS."""
    if user.admin or user.all_data_admin:
        return Access.DELETE
    return Access.READ if user.all_data_access else Access.NONE
