"""xnat_legacy_settings: 1.6's own service, whose hazards a value must survive. Only what differs is sent, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from ansible.module_utils.xnat.administration.legacy_settings import FormBody
from ansible.module_utils.xnat.session import Session as Client
from module_runner import ModuleFailedError, Modules
from xnat_twin.access.auth import hash_password
from xnat_twin.storage.store import User
from xnat_twin.testing import Practice, Session, XnatServer

pytest_plugins = ["module_fixtures"]

SETTINGS = "/data/services/settings"
INITIALIZE = f"{SETTINGS}/initialize"
# As long as a real anonymisation script, with all that a body or a path could spoil.
SCRIPT = "".join(f'- (0010,{number:04X}) // "ä€漢" + 100% & a=b; c\\d ~ {number} /x?y#z\n\t' for number in range(354))
pytestmark = pytest.mark.practice_xnat("changes the settings of the site")


@pytest.fixture
def server(practice: Practice, request: pytest.FixtureRequest) -> XnatServer:
    return practice("1.6", name=f"legacy_{request.function.__name__}")


@pytest.fixture
def admin(server: XnatServer) -> Session:
    return server.session()


@pytest.fixture
def modules(server: XnatServer) -> Modules:
    return Modules(server.url, server.admin, server.password)


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was sent to the service."""
    seen: list[str] = []
    send: Callable[..., requests.Response] = Client._once

    def once(session: Client, call: object, login: object = None) -> requests.Response:
        if isinstance(body := getattr(call, "body", None), FormBody):
            seen.append(body.arguments()["data"].decode())
        return send(session, call, login)

    monkeypatch.setattr(Client, "_once", once)
    return seen


def stored(admin: Session) -> dict[str, object]:
    answer = admin.get(SETTINGS)
    assert answer.status_code == 200
    found: dict[str, object] = answer.json()["ResultSet"]["Result"]
    return found


def test_life_of_settings(modules: Modules, admin: Session, writes: list[tuple[str, str]]) -> None:
    wanted = {"siteId": "DPUK-OXFORD", "requireLogin": True, "siteAdminEmail": "a@example.org", "dcmPort": 8104}
    before = stored(admin)
    predicted = modules.legacy_settings(check=True, settings=wanted)
    assert stored(admin) == before, "check mode changed the server"
    assert writes == []
    done = modules.legacy_settings(settings=wanted)
    assert done["changed"] is predicted["changed"] is True
    assert done["diff"] == predicted["diff"]
    assert "    siteId: XNAT" in done["diff"]["before"].splitlines()
    assert "    siteId: DPUK-OXFORD" in done["diff"]["after"].splitlines()
    assert writes == [("POST", SETTINGS)]
    now = stored(admin)
    assert (now["siteId"], now["siteAdminEmail"]) == ("DPUK-OXFORD", "a@example.org")
    writes.clear()
    for check in (False, True):
        again = modules.legacy_settings(check=check, settings=wanted)
        assert (again["changed"], again["diff"]) == (False, {"before": "", "after": ""})
    assert writes == []


def test_only_what_differs_is_sent(modules: Modules, bodies: list[str]) -> None:
    modules.legacy_settings(settings={"siteId": "XNAT", "smtpHost": "relay", "dcmAe": "XNAT"})
    assert bodies == ["smtpHost=relay"]


@pytest.mark.parametrize(
    "value",
    [
        SCRIPT,
        SCRIPT.replace("\n", "\r\n"),
        "a+b & c=d %20 100%",
        "  blanks at its ends  ",
        "http://hub.example.org/a/b?c=d#e",
        "ünïcode € 漢字",
        '{"a": [1, 2], "b": "x&y=z"}',
        "true\nfalse",
        "01.50",
        "",
    ],
)
def test_value_arrives_as_it_is(modules: Modules, admin: Session, value: str) -> None:
    modules.legacy_settings(settings={"datafreeze.remote.script": value})
    assert stored(admin)["datafreeze.remote.script"] == value
    assert modules.legacy_settings(settings={"datafreeze.remote.script": value})["changed"] is False


def test_one_sign_in_a_long_text_is_a_change_and_is_shown_by_checksum(modules: Modules, admin: Session) -> None:
    modules.legacy_settings(settings={"datafreeze.remote.script": SCRIPT})
    changed = modules.legacy_settings(settings={"datafreeze.remote.script": SCRIPT + " "})
    assert changed["changed"] is True
    assert "355 lines" in changed["diff"]["before"]
    assert changed["diff"]["before"] != changed["diff"]["after"]
    assert len(changed["diff"]["after"]) < 200
    assert stored(admin)["datafreeze.remote.script"] == SCRIPT + " "


def test_names_that_cannot_be_meant_are_refused_all_at_once_before_anything_is_sent(
    modules: Modules, writes: list[tuple[str, str]]
) -> None:
    with pytest.raises(ModuleFailedError) as failed:
        modules.legacy_settings(settings={"siteId": None, "adminEmail": "x@y.org", "a/b": "1"})
    for part in ("siteId has no value", "XNAT 1.6 calls it siteAdminEmail", "'a/b' is no name"):
        assert part in failed.value.result["msg"]
    with pytest.raises(ModuleFailedError, match="do you mean requireLogin"):
        modules.legacy_settings(settings={"requirelogn": "true"})
    assert writes == []
    assert modules.legacy_settings(settings={"requirelogn": "true"}, allow_unknown=True)["changed"] is True


def test_one_list_of_addresses_does_not_lose_the_others(modules: Modules, bodies: list[str]) -> None:
    """XNAT forgets who is told of what as soon as one of the four lists comes."""
    modules.legacy_settings(settings={"issue": "admin@example.org"})
    assert len(bodies) == 1
    assert {part.partition("=")[0] for part in bodies[0].split("&")} == {"error", "issue", "newUser", "update"}


def test_secrets_are_never_shown(modules: Modules, admin: Session) -> None:
    wanted = {"own.module.password": "my-new-secret"}
    for check in (True, False, False):
        modules.legacy_settings(check=check, settings=wanted)
    assert stored(admin)["own.module.password"] == "my-new-secret"
    assert "my-new-secret" not in "".join(modules.output)


def test_value_that_xnat_does_not_keep_is_told(modules: Modules, server: XnatServer) -> None:
    kept = server.site.preferences.set
    server.site.preferences.set = lambda values: kept({**values, "smtpHost": "other"})  # type: ignore[method-assign]
    with pytest.raises(ModuleFailedError, match=r'did not keep smtpHost as given \(smtpHost is "other"\)'):
        modules.legacy_settings(settings={"smtpHost": "relay"})


def test_who_is_no_administrator_is_told(modules: Modules, server: XnatServer) -> None:
    with server.site.store.writing() as session:
        session.add(User(login="plain", password=hash_password("plain")))
    for check in (True, False):
        with pytest.raises(ModuleFailedError, match="Only an administrator"):
            modules.legacy_settings(check=check, username="plain", password="plain", settings={"siteId": "OTHER"})


def test_later_version_is_told(practice: Practice) -> None:
    server = practice("1.10", name="legacy_later")
    modules = Modules(server.url, server.admin, server.password)
    with pytest.raises(ModuleFailedError, match=r"Only XNAT 1\.6 has this service"):
        modules.legacy_settings(settings={"siteId": "OTHER"})


def test_site_that_was_never_set_up_is_set_up_once(practice: Practice, writes: list[tuple[str, str]]) -> None:
    server = practice("1.6", initialized=False, name="legacy_set_up")
    modules = Modules(server.url, server.admin, server.password)
    archive = server.archive
    wanted = {
        "siteId": "DPUK-OXFORD",
        "siteUrl": "https://xnat.test",
        "siteAdminEmail": "admin@example.org",
        "requireLogin": True,
        "archivePath": str(archive),
        "prearchivePath": str(archive.parent / "prearchive"),
        "cachePath": str(archive.parent / "cache"),
        "buildPath": str(archive.parent / "build"),
        "datafreeze.remote.script": SCRIPT,
    }
    with pytest.raises(ModuleFailedError, match="Give initialize: true"):
        modules.legacy_settings(settings=wanted)
    with pytest.raises(ModuleFailedError, match="cannot be set up without siteUrl, siteAdminEmail"):
        modules.legacy_settings(settings={"siteId": "DPUK"}, initialize=True)
    predicted = modules.legacy_settings(check=True, settings=wanted, initialize=True)
    assert (predicted["changed"], writes) == (True, [])
    assert "set up: False" in predicted["diff"]["before"]
    done = modules.legacy_settings(settings=wanted, initialize=True)
    assert writes[0] == ("PUT", INITIALIZE)
    assert done["diff"] == predicted["diff"]
    now = stored(server.session())
    assert (now["siteId"], now["datafreeze.remote.script"]) == ("DPUK-OXFORD", SCRIPT)
    assert modules.legacy_settings(settings=wanted, initialize=True)["changed"] is False
    assert server.password not in "".join(modules.output)


def test_wrong_password_of_a_site_that_was_never_set_up(practice: Practice) -> None:
    server = practice("1.6", initialized=False, name="legacy_wrong")
    modules = Modules(server.url, server.admin, "wrong-password")
    with pytest.raises(ModuleFailedError, match="User name or password is wrong"):
        modules.legacy_settings(settings={"siteId": "X"}, initialize=True)
