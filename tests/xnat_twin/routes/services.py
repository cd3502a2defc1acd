"""The paths of logging in, administration, what modules add, and pages. data.py has those of data and searches."""

from __future__ import annotations

import falcon
from falcon import Request, Response

from xnat_twin.access.entry import NOT_ADMIN_PAGE
from xnat_twin.injection import SWITCH
from xnat_twin.resources.administration import (
    alias_tokens,
    config,
    created_schemas,
    dicom_receivers,
    login,
    notifications,
    plugins,
    practice,
    schemas,
    settings,
    site_config,
    type_actions,
    user_rights,
    users,
    version,
    xft,
)
from xnat_twin.resources.files import refresh
from xnat_twin.resources.modules import biobank, node_extras
from xnat_twin.resources.objects import custom_fields, xml_upload
from xnat_twin.resources.pages import browse, deployed_files, pages
from xnat_twin.site import Site

App = falcon.App[Request, Response]


def add_entry_routes(app: App, site: Site) -> None:
    """Logging in, and what else is below `/data` and about nobody's data."""
    app.add_route("/data/JSESSION", login.UserSession(site))
    app.add_route("/data/auth", login.UserAuth(site))
    app.add_route("/data/services/auth", login.AuthenticationService(site))
    app.add_route("/data/services/sendemailverification", login.EmailVerification(site))
    app.add_route("/data/user/{login}/sessions", login.UserSessions(site))
    tokens = alias_tokens.AliasTokens(site)
    for path in ("{operation}", "{operation}/user/{login}", "{operation}/{alias}", "{operation}/{alias}/{secret}"):
        app.add_route(f"/data/services/tokens/{path}", tokens)
    app.add_route("/data/version", version.Version(site))
    for path in ("{name}", "{name}/{file}"):
        app.add_route(f"/schemas/{path}", schemas.SchemaFiles(site), suffix="one")
    app.add_route("/data/users", users.UserTable(site))
    app.add_route("/data/services/refresh/catalog", refresh.RefreshCatalog(site))
    configuration = config.ConfigResource(site)
    for scope in ("/data", "/data/projects/{project}"):
        for path in ("config", "config/{tool}", "config/{tool}/{path:path}"):
            app.add_route(f"{scope}/{path}", configuration)
    if site.flavour.settings_service:
        service = settings.Settings(site)
        for path in ("", "/{name}", "/{name}/{value:path}"):
            app.add_route(f"/data/services/settings{path}", service)


def add_module_routes(app: App, site: Site) -> None:
    """What the installed modules add."""
    if "dpuk-biobank" in site.modules:
        app.add_route("/data/modules/biobank/projects/{project}/uploader", biobank.BiobankUploader(site))
        app.add_route("/data/modules/biobank/projects/{project}/token", biobank.BiobankToken(site))
    if "dpuk-node-extras" in site.modules:
        export, relations = node_extras.Export(site), node_extras.ProjectRelations(site)
        app.add_route("/data/projects/{project}/datafreeze", node_extras.DataFreeze(site))
        app.add_route("/data/remote/connection", node_extras.RemoteConnection(site))
        app.add_route("/data/remote/projects/{project}", relations)
        app.add_route("/data/remote/projectrelations", relations)
        app.add_route("/data/remote/study/filter/false", node_extras.Studies(site))
        for kind in ("local", "remote"):
            app.add_route(f"/data/export{kind}/project/{{source}}/project/{{destination}}", export, suffix=kind)


def add_xapi_routes(app: App, site: Site) -> None:
    """`/xapi`: the site's settings, accounts, plugins, and who may see what."""
    build, uptime = site_config.BuildInfo(site), site_config.Uptime(site)
    app.add_route("/xapi/siteConfig", site_config.SiteConfig(site))
    app.add_route("/xapi/siteConfig/buildInfo", build)
    app.add_route("/xapi/siteConfig/buildInfo/{name}", build)
    app.add_route("/xapi/siteConfig/uptime", uptime)
    app.add_route("/xapi/siteConfig/uptime/display", uptime, suffix="display")
    app.add_route("/xapi/siteConfig/values/{names}", site_config.SiteConfigValues(site))
    app.add_route("/xapi/siteConfig/{name}", site_config.SiteConfigProperty(site))

    app.add_route("/xapi/notifications", notifications.Notifications(site))
    app.add_route("/xapi/notifications/smtp", notifications.SmtpServer(site))
    many, one = dicom_receivers.DicomReceivers(site), dicom_receivers.OneDicomReceiver(site)
    app.add_route("/xapi/dicomscp", many)
    app.add_route("/xapi/dicomscp/identifiers", many, suffix="identifiers")
    app.add_route("/xapi/dicomscp/{number}", one)
    app.add_route("/xapi/dicomscp/{number}/enabled", one, suffix="enabled")
    app.add_route("/xapi/dicomscp/{number}/enabled/{value}", one, suffix="enable")

    profiles, active = users.UserProfiles(site), user_rights.ActiveUsers(site)
    app.add_route("/xapi/users", users.Users(site))
    app.add_route("/xapi/users/username", users.UserName(site))
    app.add_route("/xapi/users/profiles", profiles)
    app.add_route("/xapi/users/profile", profiles, suffix="own")
    app.add_route("/xapi/users/profile/{name}", profiles, suffix="one")
    app.add_route("/xapi/users/active", active)
    app.add_route("/xapi/users/active/{name}", active, suffix="one")
    app.add_route("/xapi/users/{name}", users.UserAccount(site))
    for column in ("enabled", "verified"):
        flag = users.UserFlag(site, column)
        app.add_route(f"/xapi/users/{{name}}/{column}", flag)
        app.add_route(f"/xapi/users/{{name}}/{column}/{{value}}", flag, suffix="set")
    roles, groups = user_rights.UserRoles(site), user_rights.UserGroups(site)
    app.add_route("/xapi/users/{name}/roles", roles)
    app.add_route("/xapi/users/{name}/roles/{role}", roles, suffix="one")
    app.add_route("/xapi/users/{name}/groups", groups)
    app.add_route("/xapi/users/{name}/groups/{group}", groups, suffix="one")

    files, elements = schemas.Schemas(site), schemas.DataTypeElements(site)
    app.add_route("/xapi/schemas", files)
    app.add_route("/xapi/schemas/{name}", files, suffix="one")
    app.add_route("/xapi/schemas/{name}/{file}", files, suffix="one")
    app.add_route("/xapi/schemas/datatypes", elements)
    for kind in ("elements", "names"):
        app.add_route(f"/xapi/schemas/datatypes/{kind}", elements, suffix=kind)
        app.add_route(f"/xapi/schemas/datatypes/{kind}/{{name}}", elements, suffix=f"{kind}_of")
    if site.flavour.datatypes_api:
        types = schemas.DataTypes(site)
        app.add_route("/xapi/datatypes", types)
        app.add_route("/xapi/datatypes/create", types, suffix="create")
        app.add_route("/xapi/datatypes/{name}", types, suffix="one")
        app.add_route("/xapi/datatypes/{name}/actions", type_actions.TypeActions(site))
        created = created_schemas.CreatedSchemas(site)
        app.add_route("/xapi/dbschemas", created)
        app.add_route("/xapi/dbschemas/{number}", created, suffix="one")
        app.add_route("/xapi/dbschemas/{number}/schema", created, suffix="file")
        app.add_route("/xapi/dbschemas/{number}/load", created, suffix="load")
        tables = xft.XftElements(site)
        for kind in ("schemas", "elements", "references"):
            app.add_route(f"/xapi/xft/{kind}", tables, suffix=kind)
        of_schema = "/xapi/xft/schemas/{prefix}/elements"
        app.add_route(of_schema, tables, suffix="of_schema")
        app.add_route(f"{of_schema}/{{element}}", tables, suffix="element")
        app.add_route(f"{of_schema}/{{element}}/fields", tables, suffix="fields")

    app.add_route("/xapi/archive/upload/xml", xml_upload.XmlUpload(site))

    fields = custom_fields.ItemFields(site)
    for path in custom_fields.PATHS:
        app.add_route(f"/xapi/custom-fields/{path}/fields", fields)
        app.add_route(f"/xapi/custom-fields/{path}/fields/{{field}}", fields, suffix="one")

    installed, displays = plugins.Plugins(site), plugins.ElementDisplays(site)
    app.add_route("/xapi/plugins", installed)
    app.add_route("/xapi/plugins/{plugin}", installed, suffix="one")
    app.add_route("/xapi/access/projects", plugins.ProjectRoles(site))
    app.add_route("/xapi/access/displays", displays)
    app.add_route("/xapi/access/displays/{display}", displays, suffix="one")


def add_page_routes(app: App, site: Site) -> None:
    """The pages for people, and the switch for faults where there is one."""
    app.add_route("/", pages.HomePage(site))
    app.add_route("/app/template/Login.vm", pages.LoginPage(site))
    app.add_route("/login", pages.LoginForm(site))
    app.add_route("/app/action/LogoutUser", pages.Logout(site))
    for path in (NOT_ADMIN_PAGE, site.flavour.setup_page, site.flavour.password_page):
        app.add_route(path, pages.NoticePage(site))
    project = "/browse/projects/{project}"
    app.add_route(project, browse.ProjectPage(site))
    app.add_route(f"{project}/subjects/{{subject}}", browse.SubjectPage(site))
    app.add_route(f"{project}/experiments/{{experiment}}", browse.ExperimentPage(site))
    app.add_route(f"{project}/resources/{{resource}}", browse.ResourcePage(site))
    if site.deployed is not None:
        for folder in deployed_files.FOLDERS:
            app.add_route(f"/{folder}/{{path:path}}", deployed_files.DeployedFiles(site, folder))
    if site.allow_faults:
        app.add_route(f"{SWITCH}/faults", practice.FaultList(site))
