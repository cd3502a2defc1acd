"""What counts as the same setting, which names are secrets, and what somebody meant who misspelt one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.xnat.administration import address, compare

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("wanted", "stored"),
    [
        (True, True),
        (True, "true"),
        ("False", False),
        (False, "FALSE"),
        (20, "20"),
        ("20", 20),
        (20.0, 20),
        ("15 minutes", "900 seconds"),
        ("1 hour", "60 minutes"),
        ("1 week", "7 days"),
        ([], ""),
        ("", []),
        (["a", "b"], ["a", "b"]),
        ("a, b", ["a", "b"]),
        (["a"], '["a"]'),
        ([1], ["1"]),
        ({"a": 1}, {"a": "1"}),
        ({"a": True}, '{"a": "true"}'),
        ("", None),
    ],
    ids=str,
)
def test_the_same_in_another_type_is_the_same(wanted: Any, stored: Any) -> None:
    assert compare.same(wanted, stored)


@pytest.mark.parametrize(
    ("wanted", "stored"),
    [
        (True, False),
        (True, "yes"),
        (1, True),
        ("1.10", "1.1"),
        ("a", "A"),
        ("15 minutes", "15 hours"),
        ("soon", "15 minutes"),
        (["a", "b"], ["b", "a"]),
        (["a"], "a"),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, "a"),
        ("", "a"),
    ],
    ids=str,
)
def test_another_value_is_another(wanted: Any, stored: Any) -> None:
    assert not compare.same(wanted, stored)


def test_lists_of_addresses_have_no_order() -> None:
    assert compare.same_addresses("b@x.org, A@x.org", "a@x.org,b@x.org")
    assert compare.same_addresses(["a@x.org"], " a@x.org ,")
    assert not compare.same_addresses("a@x.org", "a@x.org, b@x.org")


def test_what_omit_leaves_behind_is_left_out() -> None:
    assert compare.given({"a": 1, "b": "__omit_place_holder__0123"}) == {"a": 1}


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("smtpPassword", True),
        ("clientSecret", True),
        ("some.api.token", True),
        ("passwordComplexity", False),
        ("passwordExpirationInterval", False),
        ("passwordReuseRestriction", False),
        ("aliasTokenTimeout", False),
        ("enableCsrfToken", False),
        ("canResetFailedLoginsWithForgotPassword", False),
        ("requireSaltedPasswords", False),
    ],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert compare.is_secret(name) is secret


@pytest.mark.parametrize(
    ("written", "meant"),
    [("requirelogin", "requireLogin"), ("site_id", "siteId"), ("emailadmin", None), ("smtpHost", "smtpHostname")],
)
def test_nearest_name(written: str, meant: str | None) -> None:
    assert compare.nearest(written, ["siteId", "requireLogin", "smtpHostname", "smtpPort"]) == meant


def test_names_in_paths_are_quoted() -> None:
    assert address.role("o'neil", "a/b") == "/xapi/users/o%27neil/roles/a%2Fb"


def test_the_messages_on_the_admins_page_are_real() -> None:
    """In the client library or in a role; what stands between dots and brackets is a value."""
    page = (ROOT / "docs" / "admin" / "site-settings.md").read_text()
    sources = [*ROOT.glob("module_utils/xnat/administration/*.py"), *ROOT.glob("roles/xnat*/**/*.yml")]
    known = " ".join(re.sub(r"[\"'f\s]*\n\s*f?\"?", " ", path.read_text()) for path in sources)
    known = " ".join(known.split())
    rows = re.findall(r"^\| `([^`]+)` \|", page[page.index("## It says") :], re.MULTILINE)
    assert len(rows) > 5
    for row in rows:
        for piece in re.split(r"…|[()]|do you mean \w+\?|\badmin\b|sessionTimeout|\b8104\b", row):
            assert piece.strip() in known, f"{row!r}: nothing says {piece!r}"
