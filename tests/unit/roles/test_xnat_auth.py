"""Providers of sign-in: what is refused, what XNAT is given to read, and what Java is given to trust."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

import jinja2
import pytest
import yaml
from roles_tree import ROOT, load_module

problems = load_module("filter_plugins/xnat_auth.py").xnat_auth_problems
java_truststore = load_module("roles/xnat_auth/library/java_truststore.py")

LDAP: dict[str, Any] = {
    "id": "hospital",
    "name": "Hospital",
    "address": "ldaps://ad.example.org:636/dc=example,dc=org",
    "search_base": "ou=people",
    "search_filter": "(sAMAccountName={0})",
    "user_dn": "cn=reader",
    "password": "s3ntinel-directory",
}
OPENID: dict[str, Any] = {
    "id": "uni",
    "name": "University <1>",
    "client_id": "xnat",
    "client_secret": "s3ntinel-client",
    "auth_uri": "https://id.example.org/auth",
    "token_uri": "https://id.example.org/token",
}
PLUGINS = [{"name": "xnat-ldap-auth-plugin"}, {"name": "openid-auth-plugin"}]
ALL = ["localdb", "hospital", "uni"]


def test_good_providers_are_let_through() -> None:
    """Both kinds at once, and none at all."""
    assert problems([LDAP], [OPENID], ALL, PLUGINS) == []
    assert problems([], [], ["localdb"], []) == []
    anonymous = {**LDAP, "user_dn": "", "password": ""}
    assert problems([anonymous], [], ["localdb", "hospital"], PLUGINS) == []
    plain = {**LDAP, "address": "ldap://ad.example.org", "insecure": True}
    assert problems([plain], [], ["localdb", "hospital"], PLUGINS) == []


@pytest.mark.parametrize(
    ("kind", "change", "part"),
    [
        ("ldap", {"id": "localdb"}, "its id (localdb)"),
        ("ldap", {"id": "a.b"}, "its id (a.b)"),
        ("ldap", {"id": "uni"}, "the id uni is there twice"),
        ("ldap", {"address": "ldap://ad.example.org"}, "clear text"),
        ("ldap", {"address": "ldaps://one.example.org ldap://two.example.org"}, "clear text"),
        ("ldap", {"address": "ad.example.org"}, "not of the form ldaps://host/"),
        ("ldap", {"search_filter": "(uid=%s)"}, "{0} for the user's name"),
        ("ldap", {"search_filter": "uid={0}"}, "in brackets"),
        ("ldap", {"search_filter": "(&(uid={0})(a=b)"}, "in brackets"),
        ("ldap", {"search_base": ""}, "search_base is missing"),
        ("ldap", {"password": ""}, "user_dn and password go together"),
        ("ldap", {"password": " s3ntinel"}, "would arrive changed"),
        ("openid", {"client_secret": ""}, "client_secret is missing"),
        ("openid", {"client_secret": "s3ntinel\n"}, "would arrive changed"),
        ("openid", {"token_uri": "http://id.example.org/token"}, "clear text"),
        ("openid", {"user_info_uri": "id.example.org"}, "not of the form https://host/"),
    ],
)
def test_a_bad_provider_is_named_with_what_is_wrong_and_without_its_secret(
    kind: str, change: dict[str, Any], part: str
) -> None:
    ldap = {**LDAP, **change} if kind == "ldap" else LDAP
    openid = {**OPENID, **change} if kind == "openid" else OPENID
    found = problems([ldap], [openid], ALL, PLUGINS)
    assert [line for line in found if part in line], found
    assert "s3ntinel" not in " ".join(found)


@pytest.mark.parametrize(
    ("enabled", "plugins", "part"),
    [
        (["hospital"], PLUGINS, "lacks localdb"),
        (["localdb"], PLUGINS, "does not name hospital"),
        (["localdb", "hospital", "other"], PLUGINS, "names other"),
        (["localdb", "hospital"], PLUGINS[1:], "xnat_modules lists none with ldap in its name"),
    ],
)
def test_providers_enabled_and_their_plugins(enabled: list[str], plugins: list[dict[str, str]], part: str) -> None:
    """Nobody is locked out, and no provider is written that nothing would read."""
    (line,) = problems([LDAP], [], enabled, plugins)
    assert part in line


def properties(template: str, item: dict[str, Any]) -> dict[str, str]:
    """What Java reads from a rendered file: the first = ends the name, and escapes mean what they mean in JSON."""
    folder = ROOT / "roles" / "xnat_auth" / "templates"
    world = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), trim_blocks=True)  # noqa: S701 - no pages
    world.filters.update(
        java_property=load_module("filter_plugins/java_properties.py").java_property,
        bool=lambda value: str(value).lower() == "true",
        combine=lambda first, *more: {key: value for part in (first, *more) for key, value in part.items()},
        regex_replace=lambda text, _pattern, _by: text.rstrip("/"),
    )
    text = world.get_template(template).render(item=item, xnat_site_url="https://xnat.example.org/")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: json.loads(f'"{value}"') for name, value in (line.split("=", 1) for line in lines)}


def test_a_directory_as_xnat_reads_it() -> None:
    """The names of the keys are those of XNAT's own tests of ProviderAttributes."""
    awkward = {**LDAP, "password": 'a\\b"c=d#e!é', "more": {"attributes.email": "mail"}}
    read = properties("ldap-provider.properties.j2", awkward)
    assert read["password"] == awkward["password"]
    assert (read["provider.id"], read["auth.method"], read["visible"]) == ("hospital", "ldap", "true")
    assert (read["auto.enabled"], read["auto.verified"]) == ("false", "false")
    assert (read["address"], read["userdn"]) == (LDAP["address"], "cn=reader")
    assert (read["search.base"], read["search.filter"]) == ("ou=people", "(sAMAccountName={0})")
    assert read["attributes.email"] == "mail"


def test_an_openid_provider_as_its_plugin_reads_it() -> None:
    """A name is text on a page, and the address to come back to is the site's."""
    read = properties("openid-provider.properties.j2", {**OPENID, "email_domains": ["example.org"]})
    assert (read["auth.method"], read["siteUrl"]) == ("openid", "https://xnat.example.org")
    assert read["openid.uni.clientSecret"] == "s3ntinel-client"
    assert read["openid.uni.scopes"] == "openid,profile,email"
    assert (read["openid.uni.shouldFilterEmailDomains"], read["openid.uni.allowedEmailDomains"]) == (
        "true",
        "example.org",
    )
    assert 'href="/openid-login?providerId=uni"' in read["openid.uni.link"]
    assert "University &lt;1&gt;" in read["openid.uni.link"]
    assert read["openid.uni.pkceEnabled"] == "true"
    assert "openid.uni.userInfoUri" not in read
    assert properties("openid-provider.properties.j2", {**OPENID, "more": {"pkceEnabled": "false"}})[
        "openid.uni.pkceEnabled"
    ] == ("false")


def test_the_specification_knows_the_keys_that_the_filter_wants() -> None:
    """A key that the filter reads and the specification lacks would be refused as unknown."""
    options = yaml.safe_load((ROOT / "roles/xnat_auth/meta/argument_specs.yml").read_text())["argument_specs"]["main"]
    for kind, provider in (("ldap", LDAP), ("openid", OPENID)):
        assert set(provider) <= set(options["options"][f"xnat_auth_{kind}"]["options"])


def test_a_truststore_holds_each_certificate_once_and_is_always_the_same() -> None:
    """Read back by the layout of Java's format."""
    one, two = b"first certificate", b"second"
    content = java_truststore.keystore([two, one, two])
    assert content == java_truststore.keystore([one, two])
    magic, version, count = struct.unpack(">III", content[:12])
    assert (magic, version, count) == (0xFEEDFEED, 2, 2)
    assert one in content
    assert two in content
    seal = hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + content[:-20], usedforsecurity=False)
    assert content[-20:] == seal.digest()


def test_certificates_are_read_from_pem() -> None:
    """Several in one file, with text between; what is broken is refused."""
    body = base64.b64encode(b"certificate").decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    assert java_truststore.certificates_of(f"# mine\n{pem}# other\n{pem}") == [b"certificate"] * 2
    with pytest.raises(ValueError, match=r".+"):
        java_truststore.certificates_of(pem.replace(body, "not base64 !"))
