"""How a release of XNAT 1.6 is called, when it is switched to, and to which one the role goes back."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template
from roles_tree import ROOT, read_yaml

ROLE = ROOT / "roles" / "xnat_builder"
SHA = {name: f"sha256:{digit * 64}" for name, digit in (("builder", "a"), ("pipeline", "b"), ("repository", "c"))}
USUAL: dict[str, Any] = {
    "xnat_version": "1.6.5",
    "xnat_builder_checksum": SHA["builder"],
    "xnat_builder_pipeline_checksum": SHA["pipeline"],
    "xnat_builder_repository_checksum": SHA["repository"],
    "xnat_modules": [
        {"name": "one", "version": "1", "checksum": "sha256:1"},
        {"name": "two", "version": "1", "checksum": "sha256:2"},
    ],
    "xnat_database_password": "s3ntinel",
    **{
        f"xnat_{name}": name
        for name in ("site_id", "database_host", "database_name", "database_user", "data", "smtp_host")
    },
    **{f"xnat_{name}": name for name in ("admin_email", "site_url", "registration", "database_tls_mode")},
    "xnat_database_port": 5432,
    "xnat_smtp_port": 25,
    "xnat_require_login": True,
}


@pytest.fixture(scope="module", autouse=True)
def _plugins() -> None:
    init_plugin_loader([])


def value(name: str, **changed: Any) -> Any:
    """A private variable of the role, in its own type, as Ansible makes it."""

    def trusted(found: Any) -> Any:
        if isinstance(found, dict):
            return {key: trusted(inner) for key, inner in found.items()}
        if isinstance(found, list):
            return [trusted(inner) for inner in found]
        return trust_as_template(found) if isinstance(found, str) else found

    own = {**read_yaml(ROLE / "defaults/main.yml"), **read_yaml(ROLE / "vars/main.yml")}
    variables = {**trusted(own), **USUAL, **changed}
    return Templar(DataLoader(), variables).template(variables[name])


def release(**changed: Any) -> str:
    """The name of a release."""
    return str(value("__xnat_builder_release", **changed))


def test_the_same_inputs_are_the_same_release() -> None:
    """In whatever order the modules are listed, and with whatever passwords."""
    assert release().startswith("1.6.5-")
    assert len(release()) == len("1.6.5-") + 12
    assert release(xnat_modules=USUAL["xnat_modules"][::-1]) == release()
    assert release(xnat_database_password="another") == release()
    # A checksum of a driver that is not used counts as little.
    assert release(xnat_builder_jdbc_checksum="sha256:1") == release()


@pytest.mark.parametrize(
    "changed",
    [
        {"xnat_builder_checksum": "sha256:d"},
        {"xnat_builder_pipeline_checksum": "sha256:d"},
        {"xnat_builder_repository_checksum": "sha256:d"},
        {"xnat_builder_jdbc_src": ["x"], "xnat_builder_jdbc_checksum": "sha256:d"},
        {"xnat_modules": []},
        {"xnat_modules": USUAL["xnat_modules"][:1]},
        {"xnat_modules": [{"name": "one", "version": "2", "checksum": "sha256:1"}, USUAL["xnat_modules"][1]]},
        {"xnat_modules": [{"name": "one", "version": "1", "checksum": "sha256:3"}, USUAL["xnat_modules"][1]]},
        {"xnat_site_url": "https://other.example.org"},
        {"xnat_builder_services": {"security.password_history": "1"}},
        {"xnat_version": "1.6.4"},
    ],
)
def test_whatever_is_built_in_makes_another_release(changed: dict[str, Any]) -> None:
    """A jar that was quietly refreshed under its old name and version, too."""
    assert release(**changed) != release()


def found(present: str, ran: list[str], release: str = "1.6.5-new") -> dict[str, Any]:
    """What look.yml finds: Tomcat is pointed at one release, and these came to run, the latest first."""
    context = f'<Context docBase="/opt/xnat/{present}">' if present else ""
    files = [{"path": f"/opt/xnat/{name}.ran", "mtime": 100.0 - age} for age, name in enumerate(ran)]
    return {
        "__xnat_builder_release": release,
        "__xnat_builder_context": {"content": base64.b64encode(context.encode()).decode()}
        if present
        else {"failed": True},
        "__xnat_builder_ran": {"files": files[::-1]},
    }


@pytest.mark.parametrize(
    ("present", "ran", "runs", "previous"),
    [
        ("", [], False, ""),
        ("1.6.5-old", ["1.6.5-old"], False, "1.6.5-old"),
        ("1.6.5-new", ["1.6.5-new", "1.6.5-old"], True, "1.6.5-old"),
        # Cut short after Tomcat was pointed at it: it has not come to run yet.
        ("1.6.5-new", ["1.6.5-old", "1.6.5-older"], False, "1.6.5-old"),
        ("1.6.5-new", [], False, ""),
        # What runs counts more than what was marked last.
        ("1.6.5-older", ["1.6.5-old", "1.6.5-older"], False, "1.6.5-older"),
        # Back to one that ran before.
        ("1.6.5-old", ["1.6.5-old", "1.6.5-new"], False, "1.6.5-old"),
        ("1.6.5-never", ["1.6.5-d", "1.6.5-c", "1.6.5-b", "1.6.5-a"], False, "1.6.5-d"),
    ],
)
def test_when_to_switch_and_where_to_go_back(present: str, ran: list[str], runs: bool, previous: str) -> None:
    given = found(present, ran)
    assert value("__xnat_builder_runs", **given) is runs
    assert str(value("__xnat_builder_previous", **given)).strip() == previous


@pytest.mark.parametrize(
    ("filled", "applied", "first"),
    [
        (False, [], True),
        (True, ["xnat.sql"], True),
        (True, ["xnat.sql", "security.xml", "field groups"], True),
        (True, ["xnat.sql", "security.xml", "field groups", "first-settings"], False),
        # Others have installed XNAT in it: its accounts are theirs.
        (True, [], False),
        (True, ["xnat-update.sql of 1.6.5-x"], False),
    ],
)
def test_which_database_gets_first_accounts(filled: bool, applied: list[str], first: bool) -> None:
    assert value("__xnat_builder_first", __xnat_builder_state={"filled": filled, "applied": applied}) is first


def test_nothing_starts_before_admin_has_a_password() -> None:
    """Tomcat is pointed at the release after all that fills the database, and nothing in that starts a service."""
    (switch,) = [task["block"] for task in read_yaml(ROLE / "tasks/switch.yml") if "block" in task]
    names = [task["name"] for task in switch]
    assert names.index("Fill an empty database") < names.index("Point Tomcat at the release") < names.index("Start it")
    first = read_yaml(ROLE / "tasks/first.yml")
    assert [next(key for key in task if key.startswith("xnat_")) for task in first[:-1]] == [
        "xnat_sql",
        "xnat_store_xml",
        "xnat_store_xml",
        "xnat_first_password",
    ]
    assert [task.get("xnat_store_xml", {}).get("first_account") for task in first[:-1]] == [None, None, True, None]


def test_all_that_takes_long_is_done_before_anything_is_stopped() -> None:
    block = next(task["block"] for task in read_yaml(ROLE / "tasks/main.yml") if "block" in task)
    files = [task.get("ansible.builtin.import_tasks") or task["ansible.builtin.include_tasks"] for task in block]
    assert files == ["look.yml", "build.yml", "release.yml", "switch.yml"]
    stopping = [path.name for path in ROLE.glob("tasks/*.yml") if "state: stopped" in path.read_text(encoding="utf-8")]
    assert stopping == ["switch.yml"]
