"""What is wrong with the providers of sign-in that an inventory lists. No message holds a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

LOCAL = "localdb"
_ID = re.compile(r"^[A-Za-z][A-Za-z0-9_-]*$")
# Both kinds are plugins since XNAT 1.7.5; the names of their jars hold these words.
_PLUGINS = {"ldap": "ldap", "openid": "openid"}
_REQUIRED = {
    "ldap": ("name", "address", "search_base", "search_filter"),
    "openid": ("name", "client_id", "client_secret", "auth_uri", "token_uri"),
}
_SECRETS = {"ldap": ("password",), "openid": ("client_secret",)}
_ADDRESSES = {"ldap": ("address",), "openid": ("auth_uri", "token_uri", "user_info_uri")}
_SCHEMES = {"ldap": ("ldaps", "ldap"), "openid": ("https", "http")}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def xnat_auth_problems(
    ldap: Iterable[Mapping[str, Any]],
    openid: Iterable[Mapping[str, Any]],
    enabled: Iterable[str],
    plugins: Iterable[Mapping[str, Any]],
) -> list[str]:
    """One line for each thing that XNAT would stumble over, or that would send passwords in clear text."""
    providers = [("ldap", entry) for entry in ldap] + [("openid", entry) for entry in openid]
    problems: list[str] = []
    ids: list[str] = []
    for number, (kind, provider) in enumerate(providers):
        name = str(provider.get("id", ""))
        where = f"xnat_auth_{kind}, provider {name or number}"
        ids.append(name)
        problems += [f"{where}: {line}" for line in _provider(kind, provider)]
    problems += [f"xnat_auth_*: the id {name} is there twice" for name in sorted({n for n in ids if ids.count(n) > 1})]
    wanted = list(enabled)
    if LOCAL not in wanted:
        problems.append(
            f"xnat_auth_enabled_providers lacks {LOCAL}, with which the account admin and these playbooks sign in"
        )
    problems += [
        f"xnat_auth_enabled_providers names {name}, which xnat_auth_ldap and xnat_auth_openid do not list"
        for name in wanted
        if name not in [LOCAL, *ids]
    ]
    problems += [
        f"xnat_auth_enabled_providers does not name {name}, so nobody could sign in with it"
        for name in ids
        if name and name not in wanted
    ]
    jars = [str(plugin.get("name", "")) for plugin in plugins]
    problems += [
        f"xnat_auth_{kind} needs a plugin of XNAT; xnat_modules lists none with {word} in its name"
        for kind, word in _PLUGINS.items()
        if any(kind == listed for listed, _ in providers) and not any(word in jar.lower() for jar in jars)
    ]
    return problems


def _provider(kind: str, provider: Mapping[str, Any]) -> Iterable[str]:
    name = str(provider.get("id", ""))
    if not _ID.match(name) or name == LOCAL:
        yield f"its id ({name or 'missing'}) takes letters, digits, _ and -, a letter first, and is not {LOCAL}"
    for key in _REQUIRED[kind]:
        if not provider.get(key):
            yield f"{key} is missing"
    for key in _SECRETS[kind]:
        secret = str(provider.get(key) or "")
        if secret != secret.strip() or _CONTROL.search(secret):
            yield f"{key} begins or ends with a blank, or holds a control character: it would arrive changed"
    secure, plain = _SCHEMES[kind]
    for key in _ADDRESSES[kind]:
        for address in str(provider.get(key) or "").split():
            parts = urlsplit(address)
            if parts.scheme not in (secure, plain) or not parts.hostname:
                yield f"{key} ({address}) is not of the form {secure}://host/..."
            elif parts.scheme == plain and not provider.get("insecure"):
                yield f"{key} ({address}) would send passwords in clear text: {secure}://, or insecure: true"
    if kind == "ldap":
        yield from _ldap(provider)


def _ldap(provider: Mapping[str, Any]) -> Iterable[str]:
    text = str(provider.get("search_filter") or "")
    if text and ("{0}" not in text or text.count("(") != text.count(")") or not re.match(r"^\(.*\)$", text)):
        yield f"search_filter ({text}) is a filter in brackets with {{0}} for the user's name, as in (uid={{0}})"
    if bool(provider.get("user_dn")) != bool(provider.get("password")):
        yield "user_dn and password go together; without both the directory is searched anonymously"


class FilterModule:
    """Ansible's name for it."""

    def filters(self) -> dict[str, Any]:
        """The one filter."""
        return {"xnat_auth_problems": xnat_auth_problems}
