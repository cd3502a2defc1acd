"""`make artifacts` fills the cache, needs no network afterwards, and one wrong byte stops it, and site.yml, at once."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from roles_tree import ROLES, ROOT, read_yaml, tasks_of
from test_artifact_file import Mirror

XNAT = ROOT / "roles" / "xnat"
FILES = {
    "xnat-web-1.10.1.war": "zip",
    "apache-tomcat-9.0.117.tar.gz": "gzip",
    "jdk.tar.gz": "gzip",
    "ohif-3.7.jar": "zip",
}


def content(name: str, kind: str) -> bytes:
    """A small archive of the right kind."""
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as bundle:
            bundle.writestr("META-INF/xnat/ohif-plugin.properties", f"id={name}\nname={name}\nclass=x.Y\n")
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as bundle:
            member = tarfile.TarInfo(name)
            member.size = 3
            bundle.addfile(member, io.BytesIO(b"abc"))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def bodies() -> dict[str, bytes]:
    """Every file that an XNAT host needs."""
    return {name: content(name, kind) for name, kind in FILES.items()}


class Place:
    """An inventory with one XNAT host that cannot be reached, and a cache."""

    def __init__(self, folder: Path, bodies: dict[str, bytes], base: str) -> None:
        """Write the inventory; nothing is in the cache."""
        self.cache, self.inventory = folder / "cache", folder / "hosts.yml"
        sums = {name: f"sha256:{hashlib.sha256(body).hexdigest()}" for name, body in bodies.items()}
        war, tomcat, java, plugin = FILES
        variables = {
            "ansible_host": "192.0.2.1",
            "artifact_cache": str(self.cache),
            "artifact_timeout": 5,
            "xnat_version": "1.10.1",
            "xnat_war_src": [f"{base}/{war}"],
            "xnat_war_checksum": sums[war],
            "tomcat_version": "9.0.117",
            "tomcat_archive_src": [f"{base}/{tomcat}"],
            "tomcat_archive_checksum": sums[tomcat],
            "tomcat_java_archive_src": [f"{base}/{java}"],
            "tomcat_java_archive_checksum": sums[java],
            "xnat_modules": [{"name": "ohif", "version": "3.7", "src": [f"{base}/{plugin}"], "checksum": sums[plugin]}],
        }
        self.inventory.write_text(yaml.safe_dump({"all": {"children": {"xnat": {"hosts": {"web": variables}}}}}))

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the playbook of `make artifacts`."""
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        settings = {**os.environ, "ANSIBLE_NOCOLOR": "1", "no_proxy": "127.0.0.1"}
        settings.pop("ANSIBLE_FORCE_COLOR", None)
        command = [program, "-i", str(self.inventory), "playbooks/artifacts.yml"]
        return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)


def test_the_cache_is_filled_once_and_then_no_network_is_needed(tmp_path: Path, bodies: dict[str, bytes]) -> None:
    mirror = Mirror()
    mirror.bodies = {f"/{name}": body for name, body in bodies.items()}
    place = Place(tmp_path, bodies, mirror.url)
    first = place.run()
    assert first.returncode == 0, first.stdout
    assert sorted(mirror.requests) == sorted(f"/{name}" for name in bodies)
    for name, body in bodies.items():
        assert (place.cache / name).read_bytes() == body
        line = f"{place.cache / name}  {len(body)} bytes  sha256:{hashlib.sha256(body).hexdigest()}"
        assert line in first.stdout
    mirror.close()

    second = place.run()
    assert second.returncode == 0, second.stdout
    assert "downloaded now" not in second.stdout

    # One byte in one file of the cache, and nothing to mend it with.
    plugin = place.cache / "ohif-3.7.jar"
    damaged = bytearray(plugin.read_bytes())
    damaged[-30] ^= 1
    plugin.write_bytes(damaged)
    third = place.run()
    assert third.returncode != 0
    said = " ".join(third.stdout.split())
    for words in ("the copy in the cache cannot be used", "ohif-3.7.jar", "sha256", "Without network", "curl -fLo"):
        assert words in said, words
    assert "UNREACHABLE" not in third.stdout


def test_what_is_fetched_is_verified_before_any_host_is_touched() -> None:
    """Each role that places an artifact names the same source in its artifacts.yml, to which its preflight goes."""
    for role in ROLES:
        placed: set[str] = set()
        verified: set[str] = set()
        for where, task in tasks_of(role):
            called = task.get("ansible.builtin.import_role") or task.get("ansible.builtin.include_role") or {}
            if called.get("name") != "artifact":
                continue
            (verified if "/artifacts.yml" in where else placed).add(task["vars"]["artifact_src"])
            assert ("/artifacts.yml" in where) is (called.get("tasks_from") == "verify"), where
        assert placed == verified, role.name
        if role.name == "xnat_builder":
            # Where there is no WAR to verify, the role xnat comes here.
            inputs = [task.get("ansible.builtin.import_tasks") for task in read_yaml(role / "tasks" / "inputs.yml")]
            assert inputs == ["settings.yml", "artifacts.yml"]
            instead = [task.get("ansible.builtin.include_role") for task in read_yaml(XNAT / "tasks" / "artifacts.yml")]
            assert {"name": "xnat_builder", "tasks_from": "inputs"} in instead
        elif verified:
            preflight = read_yaml(role / "tasks" / "preflight.yml")
            assert "artifacts.yml" in [task.get("ansible.builtin.import_tasks") for task in preflight], role.name
            play = read_yaml(ROOT / "playbooks" / "artifacts.yml")[0]
            called_by_make = [task.get("ansible.builtin.import_role", {}) for task in play["tasks"]]
            assert {"name": role.name, "tasks_from": "artifacts"} in called_by_make, role.name
