"""Build the image of the test hosts from Debian packages. No image registry is ever asked."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from pathlib import Path

from lab.command import run, succeeds
from lab.settings import Lab

PREFIX = "localhost/dpuk-node-host-debian"

# What a cloud image of Debian has and Ansible needs; everything else is the roles' work.
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "python3",
    "python3-apt",
    "iproute2",
    "ca-certificates",
    "procps",
    "sudo",
    "openssh-server",
)
# What an upload from the hosts needs (docs/uploaders.md). Here, for no role installs it and it takes long.
UPLOADER_PACKAGES = ("python3-requests", "python3-nibabel")


def name(lab: Lab) -> str:
    """The image's name; the tag changes with the recipe, so an old image is never mistaken for the new one."""
    recipe = json.dumps([lab.suite, PACKAGES, uploader_packages(lab), sources(lab)])
    tag = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    return f"{PREFIX}{lab.debian}:{tag}"


def uploader_packages(lab: Lab) -> tuple[str, ...]:
    """What is in the image beyond a cloud image's packages."""
    return UPLOADER_PACKAGES if lab.topology.uploaders else ()


def sources(lab: Lab) -> list[str]:
    """Apt source lines for the image: this machine's own mirrors if it runs Debian, else mmdebstrap's choice."""
    mirrors = _mirrors()
    if not mirrors:
        return []
    keyring = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    lines = []
    for uri, suites in mirrors:
        if any(suite.endswith("-security") for suite in suites):
            lines.append(f"deb {keyring} {uri} {lab.suite}-security main")
        else:
            lines.append(f"deb {keyring} {uri} {lab.suite} main")
            lines.append(f"deb {keyring} {uri} {lab.suite}-updates main")
    return list(dict.fromkeys(lines))


def _mirrors() -> list[tuple[str, list[str]]]:
    """(URI, suites) of each Debian source of this machine; none on another distribution."""
    release = Path("/etc/os-release")
    if not release.exists() or not re.search(r"^ID=debian$", release.read_text(), re.MULTILINE):
        return []
    found: list[tuple[str, list[str]]] = []
    for file in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", file.read_text()):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.+)$", stanza, re.MULTILINE))
            if "deb" in fields.get("Types", "").split():
                found += [(uri, fields.get("Suites", "").split()) for uri in fields.get("URIs", "").split()]
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.list"))]
    for file in lists:
        if file.exists():
            lines = re.findall(r"^deb[ \t]+(?:\[[^]]*\][ \t]+)?(\S+)[ \t]+(\S+)", file.read_text(), re.MULTILINE)
            found += [(uri, [suite]) for uri, suite in lines]
    codename = re.search(r"^VERSION_CODENAME=(\S+)$", release.read_text(), re.MULTILINE)
    own = codename.group(1) if codename else "stable"
    # Only Debian's own archives: they, and no third party's, have suites named after this machine's release.
    names = {own, f"{own}-updates", f"{own}-security", "stable", "stable-security"}
    return [
        (uri, suites)
        for uri, suites in found
        if names & set(suites) and uri.rstrip("/").endswith(("debian", "debian-security"))
    ]


def exists(lab: Lab) -> bool:
    """Whether the image has been built."""
    return succeeds(["podman", "image", "exists", name(lab)])


def build(lab: Lab) -> str:
    """Build the image unless it is there. Returns its name."""
    image = name(lab)
    if exists(lab):
        return image
    with tempfile.TemporaryDirectory(prefix="dpuk-image-") as directory:
        tree = Path(directory) / "tree.tar"
        run(
            [
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--include={','.join(PACKAGES + uploader_packages(lab))}",
                lab.suite,
                tree,
                *sources(lab),
            ],
            advice="See whether this machine reaches Debian's packages: apt-get update",
        )
        run(["podman", "import", tree, image], advice="See whether the disk is full: df -h")
    return image


def remove_all() -> None:
    """Remove every image that a lab has built, of any release and recipe."""
    listed = run(["podman", "images", "--format", "{{.Repository}}:{{.Tag}}"], advice="See: podman images")
    for line in listed.splitlines():
        if line.startswith(PREFIX):
            run(["podman", "rmi", "-f", line], advice=f"Type: podman rmi -f {line}")
