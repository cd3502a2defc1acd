"""Secrets that are missing, weak, repeated or lie there unencrypted are refused, and no message tells one."""

from __future__ import annotations

import base64
import secrets as random
from pathlib import Path
from typing import Any

import pytest
from roles_tree import ROOT, load_module, read_yaml

secrets = load_module("filter_plugins/credentials.py")
vault_files = load_module("roles/credentials/library/vault_files.py")

NAMES = ["DPUK_OXFORD", "xnat.oxford.ac.uk", "node-xnat", "xnat_app"]
GOOD = "mR7kW2pQz9LfX4vT"


def problems(value: Any, **more: Any) -> list[str]:
    found: list[str] = secrets.secret_problems({"vault_one": value}, names=NAMES, **more)
    return found


@pytest.mark.parametrize(
    ("weak", "why"),
    [
        ("eleven-char", "it has 11 characters, and 12 are needed"),
        ("aaaaaaaaaaaaaaaa", "a short pattern"),
        ("abababababababab", "a short pattern"),
        ("x7Kq!x7Kq!x7Kq!", "a short pattern"),
        ("abcdefghijklmnop", "a row"),
        ("0987654321098765", "a row"),
        ("qwertyuiopasdfgh", "a row"),
        ("111122223333444455", "a row"),
        ("Password2026!", "a common word"),
        ("P@ssw0rd12345", "a common word"),
        ("adminadminadmin1", "a common word"),
        ("changeme-changeme", "a common word"),
        ("xnat-postgres-2026", "a common word"),
        ("DPUK_OXFORD", "it has 11 characters"),
        ("dpuk-oxford-2026", "a name of this site"),
        ("xnat.oxford.ac.uk", "a name of this site"),
        ("xnat_app_xnat_app", "a name of this site"),
    ],
)
def test_weak_ones_are_refused_with_the_reason(weak: str, why: str) -> None:
    [line] = problems(weak)
    assert line.startswith("vault_one is too weak: ")
    assert why in line
    assert "openssl rand -base64 24" in line
    assert weak not in line


@pytest.mark.parametrize(
    "good", [GOOD, "correct horse battery staple", "p'\"\\$%#!=:{}@/ ä€漢é;x y", "tmeX-92kfW:lq-Zr"]
)
def test_good_ones_pass(good: str) -> None:
    assert problems(good) == []


def test_what_the_example_says_to_type_passes() -> None:
    """And what the lab makes; a thousand times, so that no rule trips over chance."""
    for _ in range(1000):
        for made in (base64.b64encode(random.token_bytes(24)).decode(), random.token_urlsafe(24)):
            assert problems(made) == [], made


@pytest.mark.parametrize("empty", ["", None])
def test_missing_ones_are_named(empty: str | None) -> None:
    found = secrets.secret_problems({"vault_one": empty}, ["vault_one", "vault_two"])
    assert [line.split()[0] for line in found] == ["vault_one", "vault_two"]
    assert all("is missing or empty" in line for line in found)


def test_one_secret_for_two_things_is_refused() -> None:
    [line] = secrets.secret_problems({"vault_one": GOOD, "vault_two": GOOD, "vault_three": GOOD + "x"})
    assert line.startswith("vault_one and vault_two are the same")
    assert GOOD not in line


def test_what_somebody_else_has_chosen_must_only_be_there() -> None:
    values = {"vault_relay": "weak", "vault_directory": "weak", "vault_one": GOOD}
    given = ["vault_relay", "vault_directory"]
    assert secrets.secret_problems(values, given=given) == []
    assert len(secrets.secret_problems({**values, "vault_relay": ""}, given=given)) == 1


@pytest.mark.parametrize(
    ("text", "encrypted"),
    [
        ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", True),
        ('---\n# filled in below\nvault_one: "something"\n', False),
        ('vault_one: ""\nvault_two: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n', True),
        ("vault_one: plain\nvault_two: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n", False),
        ("# $ANSIBLE_VAULT;1.1 was here\nvault_one: plain\n", False),
        ("---\n", True),
    ],
)
def test_a_vault_is_encrypted_throughout(text: str, encrypted: bool) -> None:
    assert vault_files.is_encrypted(text) is encrypted


def test_only_vaults_of_the_inventory_are_judged(tmp_path: Path) -> None:
    """At any depth; neither the example nor the lab's own file is one."""
    for name in ("group_vars/all/vault.yml", "group_vars/all/vault.example.yml", "host_vars/web/vault.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("vault_one: plain\n")
    (tmp_path / "group_vars/all/secrets.yml").write_text("vault_one: plain\n")
    found = [str(path.relative_to(tmp_path)) for path in vault_files.plain_vaults([tmp_path])]
    assert found == ["group_vars/all/vault.yml", "host_vars/web/vault.yaml"]


def test_what_is_required_is_in_every_example() -> None:
    required = read_yaml(ROOT / "roles" / "credentials" / "defaults" / "main.yml")["credentials_required"]
    examples = list((ROOT / "inventories").glob("*/group_vars/all/vault.example.yml"))
    assert examples
    for example in examples:
        assert set(required) <= set(read_yaml(example)), example
