"""What differs between the XNAT versions that the practice server can be: 1.6, 1.8 and 1.10.

Nothing else compares versions: a handler asks for a switch by its name. The defaults are those of 1.8.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flavour:
    """One version of XNAT, as the set of behaviours by which clients can tell it from the others."""

    name: str
    version: str
    #: `GET /data/version` answers with text (1.6); later it is a 404 and `/xapi/siteConfig/buildInfo` has the version.
    data_version: bool = False
    #: `/xapi/**` exists.
    xapi: bool = True
    #: `/data/services/settings` exists, and schemas are at `/schemas/xnat/xnat.xsd`.
    settings_service: bool = False
    #: What `/data/auth` says.
    auth_text: str = "User '{}' is logged in"
    #: Where a site that was never configured sends its administrator, and everyone goes whose password has expired.
    setup_page: str = "/setup"
    password_page: str = "/app/template/XDATScreen_UpdateUser.vm"
    #: `?CSRF=true` on `/data/JSESSION` and `/data/auth` adds the token that a browser needs.
    csrf_query: bool = True
    #: `/data/JSESSION` gives everyone a session, a guest's if need be; else (1.6) 401 on a closed site.
    guest_session: bool = True
    #: Expired passwords and alias tokens are refused before the login, with 403 and a reason (up to 1.7). Later they
    #: are looked at after it: the password leads to a page for changing it (302), the token is a failed login (401).
    early_expiry_check: bool = False
    #: The token service tells who a token belongs to, reads tokens from the path, and has `show`. In 1.6 it tells only
    #: alias and secret, never reads the token (`validate` is always 401, `invalidate` is OK and does nothing).
    token_details: bool = True
    #: `/xapi/datatypes`, `/xapi/dbschemas` and `/xapi/xft` (1.10).
    datatypes_api: bool = False
    #: `label=` on an existing subject renames it.
    subject_rename: bool = True
    #: Lists of resources count files without being asked (`file_stats=true`).
    resource_counts: bool = True
    #: `extract=true` knows tar and tgz, not only zip.
    extract_tar: bool = True
    #: File paths are form-decoded if they hold %20 or %2B.
    decode_file_paths: bool = True
    #: File DELETE takes everything that starts with the name, and 404 says that nothing did; else exact and silent.
    prefix_delete: bool = True
    #: Another `xsiType` for an existing scan is refused with 409; else the scan changes its type.
    scan_type_fixed: bool = True
    #: `tags=a,k=v` for a file is taken apart into tags and fields (1.6); else each `tags` is one tag, commas and all.
    split_file_tags: bool = False
    #: A catalog that changed since it was read is not overwritten (500); else the last writer wins, entries are lost.
    catalog_conflict: bool = True
    #: A resource is created by the catalog service, which makes outputs only and has folders of its own.
    catalog_service: bool = True
    #: A project ID can be used again after a DELETE.
    project_id_reuse: bool = False


FLAVOURS = {
    flavour.name: flavour
    for flavour in (
        Flavour(
            "1.6",
            "1.6.5",
            data_version=True,
            xapi=False,
            settings_service=True,
            auth_text="User '{}' is logged in.",
            setup_page="/app/template/Configuration.vm",
            password_page="/app/template/ChangePassword.vm",
            csrf_query=False,
            guest_session=False,
            early_expiry_check=True,
            token_details=False,
            subject_rename=False,
            resource_counts=False,
            extract_tar=False,
            decode_file_paths=False,
            prefix_delete=False,
            split_file_tags=True,
            scan_type_fixed=False,
            catalog_conflict=False,
            catalog_service=False,
            project_id_reuse=True,
        ),
        Flavour("1.8", "1.8.11"),
        Flavour("1.10", "1.10.1", datatypes_api=True),
    )
}
DEFAULT_FLAVOUR = FLAVOURS["1.10"]
