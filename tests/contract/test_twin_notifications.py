"""XNAT's contract, section 11: what mail the site sends and by which server, and the files that preset its settings."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from xnat_twin.configuration.xnat_home import read_home
from xnat_twin.site import Site
from xnat_twin.testing import Practice, Session, XnatServer

MAIL = "/xapi/notifications"


@pytest.fixture
def server(practice: Practice) -> XnatServer:
    """A server whose notifications these tests may change."""
    return practice(name="notifications")


@pytest.fixture
def admin(server: XnatServer) -> Session:
    return server.session()


@pytest.mark.rule("notifications")
def test_notifications_are_texts_for_administrators(server: XnatServer, admin: Session) -> None:
    found = admin.get(MAIL).json()
    assert {name: found[name] for name in ("smtpPort", "smtpProtocol", "emailPrefix", "smtpUsername", "smtpAuth")} == {
        "smtpPort": "25",
        "smtpProtocol": "smtp",
        "emailPrefix": "XNAT",
        "smtpUsername": "",
        "smtpAuth": "false",
    }
    admin.post(MAIL, json={"smtpPassword": "seen by all"}).raise_for_status()
    assert admin.get(MAIL).json()["smtpPassword"] == "seen by all"
    stranger = server.session(*server.new_user())
    assert [stranger.get(MAIL).status_code, stranger.post(MAIL, json={"smtpPort": "1"}).status_code] == [403, 403]
    assert requests.get(f"{server.url}{MAIL}").status_code == 401


@pytest.mark.rule("notifications-post")
def test_what_is_sent_becomes_text_and_a_null_is_passed_over(admin: Session) -> None:
    answer = admin.post(MAIL, json={"smtpPort": 2525, "smtpEnabled": False, "emailPrefix": None, "own": "kept"})
    assert (answer.status_code, answer.content) == (200, b"")
    found = admin.get(MAIL).json()
    assert [found[name] for name in ("smtpPort", "smtpEnabled", "emailPrefix", "own")] == [
        "2525",
        "false",
        "XNAT",
        "kept",
    ]


@pytest.mark.rule("notifications-recipients")
def test_recipients_are_a_set(admin: Session) -> None:
    admin.post(MAIL, json={"emailRecipientUpdate": "a@example.org,b@example.org, a@example.org"}).raise_for_status()
    found = admin.get(MAIL).json()["emailRecipientUpdate"].split(", ")
    assert sorted(found) == ["a@example.org", "b@example.org"]


@pytest.mark.rule("notifications-smtp")
def test_mail_server_by_its_other_names(practice: Practice) -> None:
    admin = practice(name="smtp").session()
    assert admin.get(f"{MAIL}/smtp").json() == {"hostname": "localhost", "port": "25", "protocol": "smtp"}
    admin.post(MAIL, json={"smtpStartTls": "true", "smtpUsername": "u"}).raise_for_status()
    assert "mail.smtp.starttls.enable" not in admin.get(f"{MAIL}/smtp").json()
    admin.post(MAIL, json={"smtpAuth": "true"}).raise_for_status()
    found = admin.get(f"{MAIL}/smtp").json()
    assert (found["username"], found["mail.smtp.starttls.enable"], found["mail.smtp.auth"]) == ("u", "true", "true")


@pytest.mark.rule("notifications-uninitialised")
def test_before_the_site_is_configured_there_is_only_the_mail_server(practice: Practice) -> None:
    admin = practice(initialized=False, name="mail").session()
    assert admin.get(MAIL, allow_redirects=False).status_code == 302
    assert admin.get(f"{MAIL}/smtp", allow_redirects=False).status_code == 200


@pytest.mark.rule("prefs-override")
@pytest.mark.practice_xnat("starts a site from files")
def test_overrides_are_set_at_every_start_and_first_values_once(tmp_path: Path) -> None:
    config = tmp_path / "home" / "config"
    config.mkdir(parents=True)
    (config / "xnat-conf.properties").write_text(
        "datasource.url=jdbc:postgresql://h/d\ndatasource.username=u\ndatasource.password=p\n"
    )
    common = f"siteUrl=https://xnat.test\narchivePath={tmp_path / 'archive'}\nadminEmail=a@example.org\n"
    (config / "prefs-init.ini").write_text(
        f"[siteConfig]\nsiteHome=/first\n{common}[notifications]\nemailPrefix=FIRST\n"
    )
    (config / "prefs-override.ini").write_text(
        "[siteConfig]\nrequireLogin=false\nmaxFailedLogins=5\n[notifications]\nsmtpPort=2525\n"
    )

    def start() -> Site:
        home = read_home(tmp_path / "home")
        return Site.open(tmp_path / "data", database=f"sqlite:///{tmp_path / 'x.sqlite'}", home=home)

    site = start()
    assert (site.preferences["requireLogin"], site.preferences["maxFailedLogins"]) == (False, 5)
    assert (site.notifications.all()["smtpPort"], site.notifications.all()["emailPrefix"]) == ("2525", "FIRST")
    site.preferences.set({"requireLogin": True, "siteHome": "/by/hand"})
    site.notifications.set({"smtpPort": "1", "emailPrefix": "HAND"})
    site.close()
    site = start()
    assert (site.preferences["requireLogin"], site.preferences["siteHome"]) == (False, "/by/hand")
    assert (site.notifications.all()["smtpPort"], site.notifications.all()["emailPrefix"]) == ("2525", "HAND")
    site.close()
