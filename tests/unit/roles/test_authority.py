"""The authority's life on the machine that runs Ansible: made, renewed with its key, and refused when it is damaged."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from roles_tree import ROOT

PASSPHRASE = "sentinel passphrase of a test"
CERTIFICATE = {
    "authority_certificate_name": "server",
    "authority_certificate_common_name": "db",
    "authority_certificate_names": ["db.example", "192.0.2.11"],
    "authority_certificate_owner": os.getuid(),
    "authority_certificate_group": os.getgid(),
}


def play(folder: Path, tasks: list[dict[str, Any]], *words: str, **variables: object) -> tuple[int, str]:
    """Run tasks on this machine; how many changed something, and what was printed."""
    variables = {
        "ansible_python_interpreter": sys.executable,
        "authority_passphrase": PASSPHRASE,
        "authority_directory": str(folder / "authority"),
        "authority_certificate_dest": str(folder / "host"),
        **CERTIFICATE,
        **variables,
    }
    playbook = folder / "play.yml"
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}
    playbook.write_text(yaml.safe_dump([play]))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(playbook), *words],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"changed=(\d+)", done.stdout)
    assert counted
    return int(counted[1]), done.stdout + done.stderr


def certificate(path: Path) -> x509.Certificate:
    """Read one."""
    return x509.load_pem_x509_certificate(path.read_bytes())


@dataclass
class Story:
    """What five runs left behind, in their order."""

    folder: Path
    dry: int
    made_by_the_dry_run: list[str]
    own: list[x509.Certificate]
    leaf: list[x509.Certificate]
    keys: list[bytes]
    changed: list[int]
    printed: str


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A dry run; a first run with short lives; a run with the usual ones; the same again; another name."""
    folder = tmp_path_factory.mktemp("authority")
    role = [{"ansible.builtin.import_role": {"name": "authority", "tasks_from": "certificate"}}]
    dry, printed = play(folder, role, "--check", "-vvv")
    told = Story(folder, dry, sorted(path.name for path in folder.iterdir()), [], [], [], [], printed)
    short = {"authority_certificate_days": 200, "authority_days": 600}
    other = {"authority_certificate_names": ["db.example", "other.example"]}
    for variables in (short, {}, {}, other):
        changed, printed = play(folder, role, "-vvv", **variables)
        told.changed.append(changed)
        told.printed += printed
        told.own.append(certificate(folder / "authority" / "authority.crt"))
        told.leaf.append(certificate(folder / "host" / "server.crt"))
        told.keys.append((folder / "authority" / "authority.key").read_bytes())
    return told


def test_a_dry_run_on_a_fresh_host_tells_of_changes_and_makes_nothing(story: Story) -> None:
    assert story.dry > 0
    assert story.made_by_the_dry_run == ["play.yml"]


def test_an_authority_that_outlasts_its_certificates_too_little_is_renewed_with_its_key(story: Story) -> None:
    first, renewed = story.own[0], story.own[1]
    assert renewed.serial_number != first.serial_number
    assert renewed.not_valid_after_utc > first.not_valid_after_utc
    assert renewed.public_key() == first.public_key()
    assert len(set(story.keys)) == 1


def test_what_it_signed_before_stays_and_is_still_good(story: Story) -> None:
    assert story.leaf[0] == story.leaf[1]
    story.leaf[0].verify_directly_issued_by(story.own[1])


def test_a_second_run_changes_nothing(story: Story) -> None:
    assert story.changed[2] == 0
    assert story.leaf[2] == story.leaf[1]


def test_another_name_is_another_certificate_of_the_same_key(story: Story) -> None:
    names = story.leaf[3].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["db.example", "other.example"]
    assert names.get_values_for_type(x509.IPAddress) == []
    assert story.leaf[3].public_key() == story.leaf[0].public_key()


def test_its_key_is_encrypted_and_for_its_owner_only(story: Story) -> None:
    path = story.folder / "authority" / "authority.key"
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_nothing_that_is_printed_holds_the_passphrase_or_a_key(story: Story) -> None:
    assert PASSPHRASE not in story.printed
    assert "PRIVATE KEY" not in story.printed


def test_a_damaged_or_foreign_folder_is_refused_with_what_to_do(story: Story, tmp_path: Path) -> None:
    """Each case alone, and nothing is repaired by making a new authority."""
    good = story.folder / "authority"
    cases = {}
    for name in ("passphrase", "short", "lost-key", "torn-key", "torn-certificate", "no-authority", "key-alone"):
        cases[name] = PASSPHRASE
        shutil.copytree(good, tmp_path / name)
    cases |= {"passphrase": "another passphrase", "short": "short"}
    (tmp_path / "lost-key" / "authority.key").unlink()
    (tmp_path / "torn-key" / "authority.key").write_bytes(story.keys[0][:100])
    (tmp_path / "torn-certificate" / "authority.crt").write_text("x")
    shutil.copy(story.folder / "host" / "server.crt", tmp_path / "no-authority" / "authority.crt")
    (tmp_path / "key-alone" / "authority.crt").unlink()
    before = {path: path.read_bytes() for path in tmp_path.rglob("authority.*")}
    (tmp_path / "case.yml").write_text(
        yaml.safe_dump(
            [
                {
                    "block": [
                        {
                            "ansible.builtin.include_role": {"name": "authority", "tasks_from": "preflight"},
                            "vars": {
                                "authority_directory": f"{tmp_path}/{{{{ item.key }}}}",
                                "authority_passphrase": "{{ item.value }}",
                            },
                        }
                    ],
                    "rescue": [
                        {
                            "ansible.builtin.copy": {
                                "content": "{{ ansible_failed_result.msg }}",
                                "dest": f"{tmp_path}/{{{{ item.key }}}}.said",
                                "mode": "0644",
                            }
                        }
                    ],
                }
            ]
        )
    )
    loop = {"ansible.builtin.include_tasks": str(tmp_path / "case.yml"), "loop": "{{ cases | dict2items }}"}
    play(story.folder, [loop], cases=cases)
    said = {path.stem: path.read_text() for path in tmp_path.glob("*.said")}
    assert set(said) == set(cases) - {"key-alone"}  # the next run makes its certificate
    assert "authority_passphrase does not open" in said["passphrase"]
    assert "needs 12 characters or more" in said["short"]
    assert "but no" in said["lost-key"]
    assert "or that file is damaged" in said["torn-key"]
    assert "no authority's certificate of the key beside it" in said["torn-certificate"]
    assert "no authority's certificate of the key beside it" in said["no-authority"]
    assert {len(text.splitlines()) for text in said.values()} == {1}
    assert [text for text in said.values() if not re.search("[Ss]et vault|[Mm]ove (it|the)", text)] == []
    assert {path: path.read_bytes() for path in before} == before
