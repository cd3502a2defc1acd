"""The demonstration: from nothing to a node of three hosts with a NIFTI image in it, twice, with proof and timings."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nibabel
import requests
import yaml

from lab import hosts, image, keys, playbook, prepare
from lab.command import LabError
from lab.settings import DOMAIN, ROOT, Lab

UPLOADS = "playbooks/upload_niftis.yml"
RESOURCE = "/data/projects/test1/subjects/sub001/experiments/sub001_MRI/scans/1/resources/NIFTI"
# Real images that come inside nibabel: one compressed, one not.
IMAGES = ("example4d.nii.gz", "anatomical.nii")


@dataclass
class Clock:
    """How long each step took, in the order of the steps; seconds."""

    steps: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step and time it."""
        print(f"\n── {title}", flush=True)
        started = time.monotonic()
        yield
        self.steps.append((title, time.monotonic() - started))


def play(lab: Lab, *, since: float | None) -> None:
    """Run the whole demonstration; raise LabError at the first thing that is not as promised."""
    clock = Clock()
    if since is not None:
        clock.steps.append(("Python environment", time.time() - since))
    with clock.step("Podman"):
        prepare.podman_only()
    with clock.step(f"Image of the test hosts (Debian {lab.debian})"):
        image.build(lab)
    with clock.step("Certificates, passwords, Tomcat's archive, practice XNAT"):
        prepare.files(lab)
    with clock.step("Three hosts"):
        hosts.up(lab)
    wanted = write_uploads(lab.directory / "uploads.yml", "test1")
    access = account(lab, keys.passwords())
    for turn, expectation in (("first", None), ("second", 0)):
        with clock.step(f"site.yml, {turn} run"):
            _expect(playbook.play("site.yml", log=lab.directory / f"site-{turn}.log"), expectation, "site.yml")
        with clock.step(f"upload_niftis.yml, {turn} run"):
            arguments = ["-e", f"@{wanted}"]
            recap = playbook.play(UPLOADS, arguments, env=access, log=lab.directory / f"upload-{turn}.log")
            _expect(recap, expectation, UPLOADS)
    _summary(lab, _proof(access), clock)


def _expect(recap: playbook.Recap, changed: int | None, name: str) -> None:
    if changed is not None and recap.changed != changed:
        raise LabError(
            f"The second run of {name} changed {recap.changed} things and should have changed none. "
            "This is a defect: see the tasks marked `changed` above."
        )


def example_images() -> list[Path]:
    """Real NIFTI images on this machine: those that come with nibabel."""
    folder = Path(nibabel.__file__).parent / "tests" / "data"
    return [folder / name for name in IMAGES]


def account(lab: Lab, passwords: dict[str, str]) -> dict[str, str]:
    """The environment by which a data manager tells the modules where the node is and who asks."""
    return {
        "XNAT_URL": lab.url,
        "XNAT_USER": "admin",
        "XNAT_PASSWORD": passwords["vault_xnat_admin_password"],
        "XNAT_CA_PATH": str(lab.directory / "ca.crt"),
    }


def write_uploads(path: Path, project: str) -> Path:
    """Write down what to load, in the form that a data manager would."""
    scan = {"project": project, "subject": "sub001", "session": "sub001_MRI", "scan": "1", "type": "T1"}
    entry = {**scan, "resource": "NIFTI", "src": [str(image) for image in example_images()]}
    path.write_text(yaml.safe_dump({"uploads": [entry]}, sort_keys=False))
    return path


def _proof(account: dict[str, str]) -> list[dict[str, str]]:
    """Ask the server itself, by another way than the modules, what it has; compare with the images on this machine."""
    try:
        answer = requests.get(
            f"{account['XNAT_URL']}{RESOURCE}/files",
            params={"format": "json"},
            auth=(account["XNAT_USER"], account["XNAT_PASSWORD"]),
            verify=account["XNAT_CA_PATH"],
            timeout=60,
        )
        answer.raise_for_status()
        rows: list[dict[str, str]] = answer.json()["ResultSet"]["Result"]
    except (requests.RequestException, KeyError) as error:
        raise LabError(f"The node does not list the images ({error}). Look: make verify; then: make demo") from error
    there = {row["Name"]: row["digest"] for row in rows}
    for path in example_images():
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        if there.get(path.name) != digest:
            raise LabError(
                f"The server reports MD5 {there.get(path.name)} for {path.name}; the image here has {digest}."
            )
    return sorted(rows, key=lambda row: row["Name"])


def _summary(lab: Lab, files: list[dict[str, str]], clock: Clock) -> None:
    certificate = os.path.relpath(lab.directory / "ca.crt", ROOT)
    print("\n── Done. Both playbooks ran twice; the second runs changed nothing (changed=0).\n")
    roles = {"db": "PostgreSQL", "web": "XNAT in Tomcat behind nginx", "monitor": "munin and its pages"}
    print("Hosts (podman containers running systemd)")
    for host, address in lab.hosts.items():
        print(f"  {host + '.' + DOMAIN:<20}{address:<14}{roles[host]:<30}podman exec -it {lab.container(host)} bash")
    print("\nXNAT")
    print(f"  {lab.url}   from this machine, with the lab's own CA: {certificate}")
    print(f"  https://web.{DOMAIN}   from the other hosts")
    print(f"  account admin, its password: {os.path.relpath(keys.SECRETS, ROOT)}")
    print("  a browser that logs in there shows what was uploaded")
    print("\nIn test1 / sub001 / sub001_MRI / scan 1 (T1) / NIFTI, as the server reports it")
    for row in files:
        print(f"  {row['Name']:<20}{int(row['Size']):>12,} bytes   MD5 {row['digest']}")
    print("\nTime of each step (s)")
    for title, seconds in clock.steps:
        print(f"  {title:<60}{seconds:>7.1f}")
    print(f"  {'all':<60}{sum(seconds for _, seconds in clock.steps):>7.1f}")
    print("\nmake verify looks at the hosts, make demo-down removes them.")
