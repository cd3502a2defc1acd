"""When admin's first password stands in prefs-init.ini: before a start that may meet a database without accounts."""

from __future__ import annotations

import base64
from typing import Any

import jinja2
import pytest
from jinja2.nativetypes import NativeEnvironment
from role_assertions import world
from roles_tree import ROOT, read_yaml

PASSWORD = "correct-horse-battery"
INSTEAD = "0123456789abcdef" * 4
URL = "datasource.url=jdbc:postgresql://db.example:5432/xnat?sslmode=verify-full"
VARIABLES = read_yaml(ROOT / "roles" / "xnat" / "vars" / "main.yml")


def slurped(text: str) -> dict[str, str]:
    """A file as Ansible brings it."""
    return {"content": base64.b64encode(text.encode()).decode()}


def value(name: str, **given: Any) -> Any:
    """A private variable of the role, with the ones that it is made of, in their own types."""
    native = NativeEnvironment(undefined=jinja2.ChainableUndefined)
    native.filters.update(world().filters)
    native.tests.update(world().tests)
    known = dict(given)
    for inner in ("__xnat_first_lines", "__xnat_instead", "__xnat_forgotten", "__xnat_must_forget", name):
        # Left as text, or digits would become a number.
        environment = world() if inner == "__xnat_instead" else native
        known[inner] = environment.from_string(VARIABLES[inner].strip()).render(known)
    return known[name]


def settings(line: str) -> str:
    """A prefs-init.ini with a password."""
    return f"[siteConfig]\nsiteId=X\n\n[system]\n# comment\ndefaultAdminPassword={line}\n"


@pytest.mark.parametrize(
    ("line", "conf", "state", "stays"),
    [
        (INSTEAD, URL, "active", True),
        (INSTEAD, URL.replace("/xnat?", "/other?"), "active", False),
        (INSTEAD, "", "active", False),
        (INSTEAD, URL, "failed", False),
        (INSTEAD, URL, "activating", False),
        (INSTEAD, URL, "", False),
        (PASSWORD, URL, "active", False),
        (INSTEAD[1:], URL, "active", False),
        ("", URL, "active", False),
    ],
)
def test_what_was_taken_out_stays_out_of_a_site_that_runs(line: str, conf: str, state: str, stays: bool) -> None:
    """Not where another database is about to be used, nor where the service's next start may meet a new one."""
    given = {
        "xnat_admin_password": PASSWORD,
        "__xnat_first_settings": slurped(settings(line)),
        "__xnat_present": slurped(f"# x\ndatasource.driver=y\n{conf}\n"),
        "__xnat_database_url": URL,
        "__xnat_unit": {"status": {"ActiveState": state}} if state else {"failed": True},
    }
    assert value("__xnat_stays_forgotten", **given) is stays


def test_a_fresh_host_has_nothing_to_forget_and_gets_the_password() -> None:
    given = {"xnat_admin_password": PASSWORD, "__xnat_first_settings": {"msg": "file not found"}}
    assert value("__xnat_must_forget", **given) is False
    more = {"__xnat_present": {"msg": "file not found"}, "__xnat_unit": {"failed": True}, "__xnat_database_url": URL}
    assert value("__xnat_stays_forgotten", **given, **more) is False


@pytest.mark.parametrize(("line", "must"), [(PASSWORD, True), ("an older one", True), (INSTEAD, False)])
def test_a_password_in_the_file_is_to_be_taken_out(line: str, must: bool) -> None:
    """Whichever it is."""
    given = {"xnat_admin_password": PASSWORD, "__xnat_first_settings": slurped(settings(line))}
    assert value("__xnat_must_forget", **given) is must


def test_a_password_that_looks_like_what_comes_in_its_place_is_taken_out() -> None:
    """It is refused by preflight; a file of an earlier release may hold one."""
    given = {"xnat_admin_password": INSTEAD, "__xnat_first_settings": slurped(settings(INSTEAD))}
    assert value("__xnat_must_forget", **given) is True


def test_the_password_is_in_place_before_the_file_that_names_the_database() -> None:
    """A run that ends between the two is continued by the next one, which still sees that the database is another."""
    names = [task["name"] for task in read_yaml(ROOT / "roles" / "xnat" / "tasks" / "configure.yml")]
    order = [
        "Decide whether admin's first password must be at hand",
        "Write prefs-init.ini",
        "Write xnat-conf.properties",
    ]
    assert [name for name in names if name in order] == order
