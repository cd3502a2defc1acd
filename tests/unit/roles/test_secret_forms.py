"""The search for secrets in what Ansible prints finds each form that it is about."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from roles_tree import load_module

secret_forms = load_module("tests/testinfra/secret_forms.py")

SECRET = 's3ntinel "quoted" \\ & ü%/+\'=?'


@pytest.mark.parametrize(
    "text",
    [
        f"password: {SECRET}",
        json.dumps({"stdout": SECRET}),
        json.dumps({"stdout": json.dumps({"password": SECRET})}),
        f"https://ana:{quote(SECRET, safe='')}@host",
        *(base64.b64encode(f"{before}{SECRET}".encode()).decode() for before in ("", "a", "ab", "abc")),
        *(base64.b64encode(f"{SECRET}{after}".encode()).decode() for after in ("a", "ab", "abc")),
        base64.urlsafe_b64encode(f"admin:{SECRET}".encode()).decode(),
    ],
)
def test_every_form_is_found(text: str) -> None:
    """As it is, in JSON, in JSON in JSON, in an address, in a header of a login."""
    assert secret_forms.told(f"some {text} more", {"mine": SECRET}) == ["mine"]


def test_other_text_is_not() -> None:
    """Or nobody would believe the search."""
    assert secret_forms.told("s3ntinel quoted", {"mine": SECRET, "other": "another-secret"}) == []
