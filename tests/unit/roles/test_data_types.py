"""xnat_data_types stores what XNAT's wizard would, runs its SQL once, and continues what was cut short."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from role_assertions import admits, task_of
from roles_tree import ROOT, load_module, read_yaml

data_types = load_module("roles/dpuk_datatypes/library/xnat_data_types.py")
State = data_types.Database.state.__globals__["State"]

TYPES = read_yaml(ROOT / "roles/dpuk_datatypes/vars/main.yml")["__dpuk_datatypes_types"]
NAMES = [one["name"] for one in TYPES]
XDAT = "{http://nrg.wustl.edu/security}"
TEMPLATE = "INSERT INTO access SELECT '$!element_name' WHERE NOT '$element_name' = '${element_name}';\n"


class MadeUp:
    """A database: names of registered types, and this project's table."""

    def __init__(self, registered: list[str], applied: dict[str, str]) -> None:
        self.registered, self.applied = registered, applied
        self.scripts: list[str] = []
        self.failing = ""

    def state(self) -> Any:
        return State(True, True, dict(self.applied))

    def ask(self, query: str) -> list[list[str]]:
        return [[name] for name in self.registered] if "xdat_element_security" in query else [["1"]]

    def apply(self, script: bytes, key: str, name: str, state: Any) -> None:
        assert key not in self.applied, "twice"
        if self.failing and self.failing in name:
            raise data_types.DatabaseError("full")
        self.applied[key] = name
        self.scripts += [script.decode()] if script else []


@pytest.fixture
def registration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a Registration on a made-up database; what StoreXML is given is registered there."""
    rights = tmp_path / data_types.RIGHTS
    rights.parent.mkdir(parents=True)
    rights.write_text(TEMPLATE)

    def make(database: MadeUp) -> Any:
        monkeypatch.setattr(data_types, "Database", lambda options: database)
        made = data_types.Registration({"types": TYPES, "tree": str(tmp_path)})
        monkeypatch.setattr(made, "_store", lambda name, document: database.registered.append(name))
        return made

    return make


def carry_out(made: Any) -> None:
    """Both steps."""
    made.store()
    made.give_rights()


def test_a_fresh_database_gets_both_types_and_their_rights_once(registration: Any) -> None:
    database = MadeUp([], {})
    carry_out(registration(database))
    assert database.registered == NAMES
    assert sorted(database.applied.values()) == sorted(
        f"{what} {name}" for what in ("registered", "rights on") for name in NAMES
    )
    assert all("$" not in script and "DELETE FROM xs_item_cache" in script for script in database.scripts)
    again = registration(database)
    assert (again.missing, again.without) == ([], [])


def test_what_the_wizard_has_registered_is_left_alone(registration: Any) -> None:
    """Its rights are given, and the SQL is not known to bear a second time."""
    database = MadeUp(list(NAMES), {})
    made = registration(database)
    assert (made.missing, made.without) == ([], [])
    made = registration(MadeUp([NAMES[0]], {}))
    assert [one["name"] for one in made.missing] == [NAMES[1]]
    assert [one["name"] for one in made.without] == [NAMES[1]]


@pytest.mark.parametrize("step", ["registered dpuk:dpukRisk", f"rights on {NAMES[0]}", f"rights on {NAMES[1]}"])
def test_a_run_that_was_cut_short_is_continued(registration: Any, step: str) -> None:
    database = MadeUp([], {})
    database.failing = step
    with pytest.raises(data_types.DatabaseError):
        carry_out(registration(database))
    database.failing = ""
    carry_out(registration(database))
    assert sorted(database.registered) == sorted(NAMES)
    assert len(database.scripts) == len(NAMES)


def test_a_kill_between_what_is_begun_and_what_is_stored_is_continued(registration: Any) -> None:
    database = MadeUp([], {})
    made = registration(database)
    made._store = lambda name, document: (_ for _ in ()).throw(data_types.RegisterError("killed"))
    with pytest.raises(data_types.RegisterError):
        made.store()
    carry_out(registration(database))
    assert database.registered == NAMES


def test_the_document_says_what_the_wizard_asks_for() -> None:
    root = ET.fromstring(data_types.element_security(TYPES[0]))  # noqa: S314 - made here
    assert root.tag == f"{XDAT}element_security"
    assert root.get("element_name") == NAMES[0]
    assert (root.get("secure"), root.get("searchable"), root.get("singular")) == ("1", "1", "DPUK Assessment")
    # Text, not an attribute: so it is in XNAT's schema.
    assert [field.text for field in root.iter(f"{XDAT}primary_security_field")] == [
        f"{NAMES[0]}/project",
        f"{NAMES[0]}/sharing/share/project",
    ]
    assert [action.get("element_action_name") for action in root.iter(f"{XDAT}element_action")][:2] == [
        "edit",
        "delete",
    ]


def test_a_template_that_asks_for_more_is_refused() -> None:
    assert data_types.rights(TEMPLATE, "a:b") == "INSERT INTO access SELECT 'a:b' WHERE NOT 'a:b' = 'a:b';\n"
    with pytest.raises(data_types.RegisterError, match=r"asks for \$element_names"):
        data_types.rights("SELECT '$element_names';", "a:b")
    with pytest.raises(data_types.RegisterError, match="asks for"):
        data_types.rights("SELECT '$element_name', '$!{project}';", "a:b")


@pytest.mark.parametrize(
    ("name", "good"),
    [("dpuk_datatypes_proof", True), ("proof", True), ("study1", False), ("proof of", False), ("", False)],
)
def test_the_project_that_is_deleted_is_nobodys(name: str, good: bool) -> None:
    task = task_of("roles/dpuk_datatypes/tasks/preflight.yml", "Check the name of the project for the proof")
    assert admits(task, dpuk_datatypes_proof_project=name) is good
