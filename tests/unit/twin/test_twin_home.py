"""An XNAT home folder is read as XNAT reads it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from xnat_twin.access.auth import (
    BadCredentialsError,
    MalformedCredentialsError,
    authenticate,
    basic_credentials,
    check_password,
    hash_password,
)
from xnat_twin.configuration.database_tls import HomeError
from xnat_twin.configuration.xnat_home import database_url, parse_properties, read_home
from xnat_twin.site import Site

CONF = """
# database
datasource.url = jdbc:postgresql://db.example.org:5433/xnat?ssl=true&sslmode=verify-ca
datasource.username: xnat
datasource.password=p\\u0040ss\\\\w\\:rd=1
"""


def _home(tmp_path: Path, conf: str = CONF, prefs: str | None = None) -> Path:
    config = tmp_path / "home" / "config"
    config.mkdir(parents=True)
    (config / "xnat-conf.properties").write_text(conf)
    if prefs is not None:
        (config / "prefs-init.ini").write_text(prefs)
    return tmp_path / "home"


def test_account_is_read_from_the_properties(tmp_path: Path) -> None:
    home = read_home(_home(tmp_path))
    url = home.database
    assert (url.host, url.port, url.database) == ("db.example.org", 5433, "xnat")
    assert (url.username, url.password) == ("xnat", "p@ss\\w:rd=1")
    assert home.tls.mode == "verify-ca"


def test_archive_is_beside_the_home_unless_the_preferences_say_otherwise(tmp_path: Path) -> None:
    home = read_home(_home(tmp_path))
    assert home.archive == tmp_path / "archive"
    (home.path / "config" / "prefs-init.ini").write_text("[siteConfig]\narchivePath=/srv/archive\nsiteId=50%\n")
    assert read_home(home.path).archive == Path("/srv/archive")


def test_preferences_keep_their_case_and_booleans(tmp_path: Path) -> None:
    prefs = "[siteConfig]\nsiteId=DPUK\ninitialized=true\n[system]\ndefaultAdminPassword=a%b=c\n"
    home = read_home(_home(tmp_path, prefs=prefs))
    assert home.preferences == {"siteId": "DPUK", "initialized": True}
    assert home.admin_password == "a%b=c"


def test_missing_file_or_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match=r"xnat-conf\.properties"):
        read_home(tmp_path)
    with pytest.raises(HomeError, match=r"datasource\.password"):
        read_home(_home(tmp_path, "datasource.url=jdbc:postgresql://h/d\ndatasource.username=u\n"))


def test_url_that_is_not_postgresql_is_refused() -> None:
    with pytest.raises(HomeError, match="expected jdbc:postgresql"):
        database_url("jdbc:h2:mem:xnat", "u", "p")


def test_ssl_without_a_mode_verifies() -> None:
    assert database_url("jdbc:postgresql://h/d?ssl=true", "u", "p")[1].mode == "verify-full"
    assert database_url("jdbc:postgresql://h/d", "u", "p")[1].mode == "prefer"


def test_database_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    conf = (
        f"datasource.url=jdbc:postgresql://127.0.0.1:{port}/d\ndatasource.username=u\ndatasource.password=topsecret\n"
    )
    with pytest.raises(HomeError, match=rf"cannot reach the database at 127\.0\.0\.1:{port}") as caught:
        Site.open(tmp_path / "data", home=read_home(_home(tmp_path, conf)))
    assert "topsecret" not in str(caught.value)


def test_properties_continue_over_lines() -> None:
    assert parse_properties("a = one \\\n    two\n!comment\nb:c\n") == {"a": "one two", "b": "c"}


def test_passwords_are_stored_salted_and_hashed() -> None:
    stored = hash_password("secret")
    assert "secret" not in stored
    assert stored != hash_password("secret")
    assert check_password("secret", stored)
    assert not check_password("Secret", stored)


@pytest.mark.parametrize(
    ("header", "credentials"),
    [("Basic dTpwOnc=", ("u", "p:w")), ("Basic bG9jYWwvdTpw", ("u", "p")), ("Bearer x", None), ("Basic Og==", None)],
)
def test_basic_header(header: str, credentials: tuple[str, str] | None) -> None:
    assert basic_credentials(header) == credentials


@pytest.mark.parametrize("header", ["Basic ?", "Basic bm9uZQ=="])
def test_basic_header_that_cannot_be_read(header: str) -> None:
    with pytest.raises(MalformedCredentialsError):
        basic_credentials(header)


def test_admin_password_is_set_at_the_first_start_only(tmp_path: Path) -> None:

    Site.open(tmp_path, admin_password="first").close()
    site = Site.open(tmp_path, admin_password="second")
    assert authenticate(site.store, site.preferences, "admin", "first").admin
    with pytest.raises(BadCredentialsError):
        authenticate(site.store, site.preferences, "admin", "second")
    site.close()


@pytest.mark.parametrize(
    ("prefs", "initialized"),
    [
        ("siteUrl=https://xnat.example.org\ninitialized=false\n", True),
        ("siteId=NODE\ninitialized=true\n", False),
        ("siteUrl=https://xnat.example.org\nadminEmail=\n", False),
    ],
)
def test_site_is_configured_by_its_files_if_they_are_complete_whatever_they_say(
    tmp_path: Path, prefs: str, *, initialized: bool
) -> None:
    """Reference: SiteConfigPreferences.postProcessPreferences."""
    home = read_home(_home(tmp_path, prefs=f"[siteConfig]\n{prefs}archivePath={tmp_path / 'archive'}\n"))
    for _ in range(2):  # at every start
        site = Site.open(tmp_path / "data", database=f"sqlite:///{tmp_path / 'x.sqlite'}", home=home)
        assert site.preferences.initialized is initialized
        site.close()


def test_site_without_such_a_file_waits_to_be_configured(tmp_path: Path) -> None:
    home = read_home(_home(tmp_path))
    site = Site.open(tmp_path / "data", database=f"sqlite:///{tmp_path / 'x.sqlite'}", home=home)
    assert not site.preferences.initialized
    site.preferences.set({"initialized": True})
    assert site.preferences.initialized
    site.preferences.set({"initialized": False})
    assert site.preferences.initialized
    site.close()
