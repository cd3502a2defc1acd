"""The pages for people: what they share, the home page, logging in and out. The data itself is in browse.py.

XNAT has a user interface of its own, and this is not it: only the addresses that clients run into, what the login form
sends, and where a failed login and a logout lead are XNAT's. Reference: SecurityConfig, XnatLogoutSuccessHandler.
"""

from __future__ import annotations

from collections.abc import Sequence

from falcon import Request, Response

from xnat_twin.access.auth import BadCredentialsError, login_failure_message
from xnat_twin.access.entry import LOGIN_PAGE, NOT_ADMIN_PAGE
from xnat_twin.resources.base import Endpoint, params_of
from xnat_twin.resources.pages.markup import (
    POLICY,
    Content,
    Markup,
    address,
    document,
    h,
    join,
    link,
    shown,
    size,
    table,
)
from xnat_twin.resources.pages.overview import Files, ProjectLine, project_lines
from xnat_twin.storage.store import User


class Page(Endpoint):
    """A page of the site, with who is logged in above it and what it is in the REST API below."""

    def send(
        self,
        req: Request,
        resp: Response,
        title: str,
        main: Content,
        trail: Sequence[tuple[str, str]] = (),
        rest: str = "",
    ) -> None:
        """`trail` has the pages above this one, as titles and addresses; `rest` is the object's REST address."""
        user: User | None = req.context.user
        steps = [[link(to, name), h("b", "/")] for name, to in trail]
        name = f"Practice XNAT {self.site.version}"
        resp.content_type = "text/html; charset=UTF-8"
        resp.set_header("Content-Security-Policy", POLICY)
        resp.set_header("Cache-Control", "no-store")  # who logs out should not find it again with the back button
        resp.text = document(
            f"{title} · {name}" if trail else name,
            [h("a", name, href="/", class_="name"), h("span", self._who(user), class_="who")],
            [h("nav", steps) if trail else None, main],
            [h("p", "In the REST API: ", h("code", rest)) if rest else None, _WHAT_IT_IS],
        )

    def _who(self, user: User | None) -> Content:
        """XNATpy reads the name from these very characters if it was given none. Reference: DefaultTop.vm."""
        if user is None:
            return None
        if user.is_guest:
            who: Content = h("span", "Guest", style="color:red;")
            way = link(LOGIN_PAGE, "Log in")
        else:
            account = link(self.site.flavour.password_page, shown(user.login))
            who, way = [Markup("&nbsp;"), account], link("/app/action/LogoutUser", "Log out")
        return [h("span", "Logged in as: ", who, id="user_info"), " · ", way]


_WHAT_IT_IS = h(
    "p", "A server to practise on: it answers the REST API as XNAT does. Real data does not belong here.", class_="soft"
)


class HomePage(Page):
    """`/`: the projects that the caller may read, or a login form. Open to all, so that clients can see a server."""

    def on_get(self, req: Request, resp: Response) -> None:
        if req.context.user is None:
            self.send(req, resp, "Log in", _login_form())
            return
        with self.reading(req) as finder:
            lines = project_lines(finder.session, finder.user)
            self.send(req, resp, "Projects", [h("h1", "Projects"), _project_table(lines)], rest="/data/projects")


def _project_table(lines: Sequence[ProjectLine]) -> Markup:
    if not lines:
        return h("p", "There is no project here that you may read.", class_="soft")
    columns = ("Project", "Title", "Access", "#Subjects", "#Sessions", "#Files", "#Size")
    rows = [
        (
            link(address("browse", "projects", line.project.id), shown(line.project.id)),
            shown(name) if (name := line.project.fields.get("name", "")) != line.project.id else "",
            h("span", line.project.accessibility, class_="badge"),
            f"{line.subjects:,}",
            f"{line.experiments:,}",
            *file_cells(line.files),
        )
        for line in lines
    ]
    return table(columns, rows)


def file_cells(files: Files) -> tuple[Content, Content]:
    """Number and size, for the columns `#Files` and `#Size`."""
    return f"{files.count:,}", size(files.bytes) if files.count else ""


class LoginPage(Page):
    """`/app/template/Login.vm`: where XNAT sends a browser, and a client that poses as one. Status 200."""

    def on_get(self, req: Request, resp: Response) -> None:
        failed = params_of(req).true("failed")
        message = login_failure_message(self.site.preferences) if failed else None
        self.send(req, resp, "Log in", _login_form(message))


def _login_form(message: str | None = None) -> Markup:
    return join(
        [
            h("h1", "Log in"),
            h("p", message, class_="bad", role="alert") if message else None,
            h(
                "form",
                h("label", "User name", h("input", name="username", autocomplete="username", required=True)),
                h(
                    "label",
                    "Password",
                    h("input", name="password", type="password", autocomplete="current-password", required=True),
                ),
                h("button", "Log in"),
                class_="login",
                method="post",
                action="/login",
            ),
        ]
    )


class LoginForm(Endpoint):
    """`/login`: takes the form, opens a session and leads to the home page, or back to the form."""

    def on_post(self, req: Request, resp: Response) -> None:
        params = params_of(req)
        resp.status = 302
        try:
            _, session = self.site.log_in(params.raw("username"), params.raw("password"))
            req.context.set_cookie_for = session.id
            resp.location = "/"
        except BadCredentialsError:
            resp.location = f"{LOGIN_PAGE}?failed=true"


class Logout(Endpoint):
    """`/app/action/LogoutUser`: ends the session."""

    def on_get(self, req: Request, resp: Response) -> None:
        self.site.sessions.close(req.context.session_id)
        resp.status = 302
        resp.location = LOGIN_PAGE if self.site.preferences.true("requireLogin") else "/"


_ACCOUNTS, _SETTINGS = "/xapi/users/NAME", "/xapi/siteConfig"


class NoticePage(Page):
    """Where XNAT leads people who cannot go on. In its place there is a form; here, what to do in the REST API."""

    def on_get(self, req: Request, resp: Response) -> None:
        flavour = self.site.flavour
        if req.path == NOT_ADMIN_PAGE:
            title, text, rest = "Not configured yet", "An administrator has to configure this site first.", ""
        elif req.path == flavour.password_page:
            title, text, rest = (
                "Password",
                "If it expired, an administrator can give you a new one with a PUT to",
                _ACCOUNTS,
            )
        elif flavour.xapi:
            title, text, rest = "Not configured yet", 'POST {"initialized": true} and other settings to', _SETTINGS
        else:
            title, text, rest = "Not configured yet", "PUT the settings to", "/data/services/settings/initialize"
        self.send(req, resp, title, [h("h1", title), h("p", text, " ", h("code", rest) if rest else None)])
