"""xnat_user: accounts are made, changed and shut; a password is compared by a login; nobody is locked out."""

from __future__ import annotations

from typing import Any

import pytest
from module_runner import ModuleFailedError, Modules
from xnat_twin.testing import Practice, Session, XnatServer

pytest_plugins = ["module_fixtures"]
pytestmark = pytest.mark.practice_xnat("makes accounts, which XNAT cannot delete")

Writes = list[tuple[str, str]]
SECRET, OTHER = "first-password-of-it", "second-password-of-it"


@pytest.fixture
def server(practice: Practice) -> XnatServer:
    return practice(name="module_user")


@pytest.fixture
def admin(server: XnatServer) -> Session:
    return server.session()


@pytest.fixture
def modules(server: XnatServer) -> Modules:
    return Modules(server.url, server.admin, server.password)


@pytest.fixture
def wanted(server: XnatServer) -> dict[str, Any]:
    name = server.new_id("u")
    return {
        "name": name,
        "first_name": "A",
        "last_name": "B",
        "email": f"{name}@example.org",
        "user_password": SECRET,
        "roles": ["non_expiring"],
        "groups": ["ALL_DATA_ACCESS"],
    }


def test_life_of_an_account(modules: Modules, admin: Session, wanted: dict[str, Any], writes: Writes) -> None:
    names = admin.get("/xapi/users").json()
    predicted = modules.user(check=True, **wanted)
    assert admin.get("/xapi/users").json() == names, "check mode changed the server"
    assert writes == []
    made = modules.user(**wanted)
    assert made["changed"] is predicted["changed"] is True
    assert made["diff"] == predicted["diff"]
    assert made["object"]["roles"] == ["non_expiring"]
    assert made["object"]["groups"] == ["ALL_DATA_ACCESS"]

    writes.clear()
    for check in (False, True):
        again = modules.user(check=check, **wanted)
        assert again["changed"] is False, again["diff"]
    assert writes == []

    change = {"name": wanted["name"], "last_name": "C", "roles": [], "groups": ["ALL_DATA_ADMIN"], "append": False}
    predicted = modules.user(check=True, **change)
    assert writes == []
    changed = modules.user(**change)
    assert changed["diff"] == predicted["diff"]
    assert changed["object"]["lastName"] == "C"
    assert (changed["object"]["roles"], changed["object"]["groups"]) == ([], ["ALL_DATA_ADMIN"])
    assert modules.user(**change)["changed"] is False

    shut = modules.user(name=wanted["name"], enabled=False)
    assert shut["diff"]["after"].splitlines() == [f"account {wanted['name']}", "    enabled: False"]
    writes.clear()
    assert modules.user(name=wanted["name"], enabled=False, user_password=OTHER)["changed"] is False
    assert writes == [], "the password of a shut account is left alone"
    modules.user(name=wanted["name"], enabled=True, user_password=OTHER)
    assert modules.user(name=wanted["name"], enabled=True, user_password=OTHER)["changed"] is False


def test_password_is_set_only_where_it_is_another(
    modules: Modules, server: XnatServer, wanted: dict[str, Any], writes: Writes
) -> None:
    modules.user(**wanted)
    writes.clear()
    assert modules.user(**wanted | {"user_password": OTHER, "update_password": "on_create"})["changed"] is False
    predicted = modules.user(check=True, **wanted | {"user_password": OTHER})
    assert writes == []
    changed = modules.user(**wanted | {"user_password": OTHER})
    assert changed["changed"] is predicted["changed"] is True
    assert changed["diff"]["after"].splitlines() == [f"account {wanted['name']}", "    password: ******** (another)"]
    assert server.session(wanted["name"], OTHER).get("/data/auth").status_code == 200
    assert server.session(wanted["name"], SECRET).get("/data/auth").status_code == 401
    shown = "".join(modules.output)
    assert SECRET not in shown
    assert OTHER not in shown


def test_own_password_is_changed_with_the_former_one(server: XnatServer, modules: Modules) -> None:
    name = server.new_id("a")
    own = {"name": name, "first_name": "A", "last_name": "B", "email": "a@example.org", "roles": ["Administrator"]}
    modules.user(**own, user_password=SECRET)
    itself = Modules(server.url, name, SECRET)
    assert itself.user(name=name, user_password=OTHER)["changed"] is True
    assert Modules(server.url, name, OTHER).user(name=name, user_password=OTHER)["changed"] is False


def test_what_a_new_account_lacks_is_named(modules: Modules, wanted: dict[str, Any], writes: Writes) -> None:
    for check in (True, False):
        with pytest.raises(ModuleFailedError, match="first_name, email: missing"):
            modules.user(check=check, name=wanted["name"], last_name="B")
    with pytest.raises(ModuleFailedError, match="no name of an account"):
        modules.user(**wanted | {"name": "1 2"})
    assert writes == []


@pytest.mark.parametrize(
    "change",
    [{"enabled": False}, {"verified": False}, {"roles": [], "append": False}],
    ids=["enabled", "verified", "roles"],
)
def test_last_administrator_stays_one(
    practice: Practice, change: dict[str, Any], writes: Writes, modules: Modules
) -> None:
    server = practice(name="last_administrator")
    modules = Modules(server.url, server.admin, server.password)
    for check in (True, False):
        with pytest.raises(ModuleFailedError, match="last administrator who can log in"):
            modules.user(check=check, name="admin", **change)
    assert writes == []
    asleep = {"first_name": "A", "last_name": "B", "email": "a@example.org", "roles": ["Administrator"]}
    modules.user(name="asleep", enabled=False, **asleep)
    with pytest.raises(ModuleFailedError, match="last administrator who can log in"):
        modules.user(name="admin", **change)


def test_administrator_goes_when_there_is_another(practice: Practice) -> None:
    server = practice(name="second_administrator")
    modules = Modules(server.url, server.admin, server.password)
    who = {"first_name": "A", "last_name": "B", "email": "a@example.org"}
    modules.user(name="second", user_password=SECRET, roles=["Administrator"], **who)
    other = Modules(server.url, "second", SECRET)
    assert other.user(name="admin", enabled=False)["changed"] is True
    with pytest.raises(ModuleFailedError, match="answered 401"):
        modules.user(name="guest", enabled=False)


def test_guest_is_disabled_once(modules: Modules) -> None:
    assert modules.user(name="guest", enabled=False)["changed"] is True
    assert modules.user(name="guest", enabled=False)["changed"] is False


def test_refusals_name_what_was_asked(modules: Modules, server: XnatServer, wanted: dict[str, Any]) -> None:
    with pytest.raises(ModuleFailedError, match=r"Cannot make the account .*POST /xapi/users answered 400 .*email"):
        modules.user(**wanted | {"email": "nobody"})
    modules.user(**wanted)
    with pytest.raises(ModuleFailedError, match=r"Cannot give the account .* the group nowhere_member: PUT .* 500"):
        modules.user(name=wanted["name"], groups=["nowhere_member"])
    user, password = server.new_user()
    with pytest.raises(ModuleFailedError, match=r"answered 403.*Only an administrator"):
        modules.user(username=user, password=password, name=wanted["name"], last_name="X")


def test_account_that_somebody_else_makes_meanwhile_is_changed(
    modules: Modules, admin: Session, wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible.module_utils.xnat.administration import accounts

    plain = {"username": wanted["name"], "firstName": "X", "lastName": "B", "email": "x@example.org", "enabled": True}
    read = accounts.read
    seen: list[str] = []

    def absent_at_first(session: Any, name: str) -> Any:
        if not seen:
            seen.append(name)
            admin.post("/xapi/users", json={**plain, "verified": True}).raise_for_status()
            return None
        return read(session, name)

    monkeypatch.setattr(accounts, "read", absent_at_first)
    assert modules.user(**wanted)["object"]["firstName"] == "A"
