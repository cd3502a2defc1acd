"""xnat_site_config: compares as XNAT understands values, sends what differs in one request, believes nothing unread."""

from __future__ import annotations

import json
from typing import Any

import pytest
from module_runner import ModuleFailedError, Modules
from xnat_twin.testing import Practice, Session, XnatServer

pytest_plugins = ["module_fixtures"]

CONFIG, MAIL = "/xapi/siteConfig", "/xapi/notifications"
pytestmark = pytest.mark.practice_xnat("changes the settings of the site")


@pytest.fixture
def server(practice: Practice, request: pytest.FixtureRequest) -> XnatServer:
    return practice(name=f"config_{request.function.__name__}")


@pytest.fixture
def admin(server: XnatServer) -> Session:
    return server.session()


@pytest.fixture
def modules(server: XnatServer) -> Modules:
    return Modules(server.url, server.admin, server.password)


def everything(admin: Session) -> list[Any]:
    return [admin.get(CONFIG).json(), admin.get(MAIL).json()]


def test_life_of_settings(modules: Modules, admin: Session, writes: list[tuple[str, str]]) -> None:
    wanted = {
        "settings": {
            "siteId": "DPUK",
            "requireLogin": True,
            "maxFailedLogins": 5,
            "sessionTimeout": "30 minutes",
            "mainPageSearchDatatypeOptions": ["xnat:mrSessionData"],
        },
        "notifications": {"smtpPort": 2525, "smtpEnabled": True, "emailRecipientUpdate": "b@x.org, a@x.org"},
    }
    before = everything(admin)
    predicted = modules.site_config(check=True, **wanted)
    assert everything(admin) == before, "check mode changed the server"
    writes.clear()
    done = modules.site_config(**wanted)
    assert done["changed"] is predicted["changed"] is True
    assert done["diff"] == predicted["diff"]
    assert done["diff"]["before"].splitlines() == [
        "site settings",
        "    siteId: XNAT",
        "    maxFailedLogins: 20",
        "    sessionTimeout: 15 minutes",
        "    mainPageSearchDatatypeOptions: ['xnat:mrSessionData', 'xnat:petSessionData', 'xnat:ctSessionData']",
        "notifications",
        "    smtpPort: 25",
        "    emailRecipientUpdate: you@yoursite.org",
    ]
    assert writes == [("POST", CONFIG), ("POST", MAIL)]
    settings, mail = everything(admin)
    assert (settings["siteId"], settings["maxFailedLogins"], mail["smtpPort"]) == ("DPUK", 5, "2525")

    writes.clear()
    for check in (False, True):
        again = modules.site_config(check=check, **wanted)
        assert again["changed"] is False, again["diff"]
        assert again["object"]["settings"]["siteId"] == "DPUK"
    assert writes == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("maxFailedLogins", "20"),
        ("maxFailedLogins", 20.0),
        ("requireLogin", "True"),
        ("sessionTimeout", "900 seconds"),
        ("enabledProviders", "localdb"),
        ("failMergeOn", ""),
        ("siteLogoPath", "/images/logo.png"),
    ],
)
def test_what_means_the_same_is_no_change(modules: Modules, name: str, value: object) -> None:
    assert modules.site_config(settings={name: value})["changed"] is False


def test_misspelt_name_is_refused_with_the_nearest_and_nothing_is_changed(modules: Modules, admin: Session) -> None:
    before = everything(admin)
    for check in (True, False):
        with pytest.raises(ModuleFailedError, match="do you mean requireLogin") as failed:
            modules.site_config(check=check, settings={"siteId": "OTHER", "requireLogn": False})
        assert failed.value.result["changed"] is False
    with pytest.raises(ModuleFailedError, match="do you mean smtpHostname"):
        modules.site_config(settings={"siteId": "OTHER"}, notifications={"smtpHost": "x"})
    assert everything(admin) == before
    made = modules.site_config(settings={"own.plugin.key": "x"}, allow_unknown=True)
    assert made["changed"] is True
    assert modules.site_config(settings={"own.plugin.key": "x"})["changed"] is False


def test_value_that_is_missing_is_refused_before_anything_is_sent(
    modules: Modules, writes: list[tuple[str, str]]
) -> None:
    with pytest.raises(ModuleFailedError, match="siteLogoPath has no value"):
        modules.run("site_config", settings={"siteId": "OTHER", "siteLogoPath": None})
    assert writes == []


def test_secrets_are_never_shown(modules: Modules, admin: Session) -> None:
    admin.post(MAIL, json={"smtpPassword": "the former one"}).raise_for_status()
    for check in (True, False):
        modules.site_config(check=check, notifications={"smtpPassword": "my-new-secret", "smtpUsername": "u"})
    assert admin.get(MAIL).json()["smtpPassword"] == "my-new-secret"
    again = modules.site_config(notifications={"smtpPassword": "my-new-secret", "smtpUsername": "u"})
    assert again["changed"] is False
    shown = "".join(modules.output)
    assert "my-new-secret" not in shown
    assert "the former one" not in shown
    assert "smtpPassword: ********" in json.loads(modules.output[0])["diff"]["before"]


def test_value_that_xnat_does_not_keep_is_told(modules: Modules, server: XnatServer) -> None:
    kept = server.site.preferences.set
    server.site.preferences.set = lambda values: kept({**values, "siteHome": "/stubborn"})  # type: ignore[method-assign]
    with pytest.raises(ModuleFailedError, match=r"answered 200 .* did not keep siteHome .*'/stubborn'"):
        modules.site_config(settings={"siteHome": "/other"})


def test_who_is_no_administrator_is_told(modules: Modules, server: XnatServer) -> None:
    user, password = server.new_user()
    for check in (True, False):
        with pytest.raises(ModuleFailedError, match=r"username: .*Only an administrator"):
            modules.site_config(check=check, username=user, password=password, settings={"siteId": "OTHER"})


def test_site_that_was_never_set_up_is_set_up_once(practice: Practice) -> None:
    server = practice(initialized=False, name="set_up")
    modules, admin = Modules(server.url, server.admin, server.password), server.session()
    wanted = {
        "settings": {"initialized": True, "siteUrl": "https://xnat.test", "siteId": "DPUK"},
        "notifications": {"emailPrefix": "DPUK"},
    }
    with pytest.raises(ModuleFailedError, match="before the site is set up"):
        modules.site_config(notifications={"emailPrefix": "DPUK"})
    assert modules.info()["object"]["initialized"] is False
    predicted = modules.site_config(check=True, **wanted)
    assert admin.get(f"{CONFIG}/initialized").text == "false"
    done = modules.site_config(**wanted)
    assert [done["changed"], predicted["changed"]] == [True, True]
    assert done["diff"]["after"] == predicted["diff"]["after"]
    assert admin.get(f"{CONFIG}/siteUrl").text == "https://xnat.test"
    assert admin.get(MAIL).json()["emailPrefix"] == "DPUK"
    assert modules.site_config(**wanted)["changed"] is False
    with pytest.raises(ModuleFailedError, match="cannot be taken back"):
        modules.site_config(settings={"initialized": False})
