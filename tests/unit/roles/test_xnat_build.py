"""XNAT 1.6 is built in a fresh tree beside what runs, and what comes of it is root's to change and nobody else's."""

from __future__ import annotations

import grp
import json
import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from roles_tree import ROOT, load_module

xnat_build = load_module("roles/xnat_builder/library/xnat_build.py")
xnat_release = load_module("roles/xnat_builder/library/xnat_release.py")

ME = pwd.getpwuid(os.getuid()).pw_name
# Deploys every module's src/ and what is left of an earlier one, as the real builder does, and says who asked it how.
SETUP = """#!/bin/sh
set -e
echo "$@" "$JAVA_HOME" "${JAVA_TOOL_OPTIONS:-none}" >> asked
mkdir -p appserver/webapps/xnat/WEB-INF/lib deployments/xnat/sql projects/xnat/src
for jar in dpuk-modules/*.jar; do
    if [ -e "$jar" ]; then cp "$jar" projects/xnat/src/; fi
done
if grep -l BROKEN projects/xnat/src/* 2>/dev/null; then
    echo "xdat.project.db.password=$(sed -n 's/.*password=//p' build.properties)"
    echo "[javac] error: cannot find symbol"
    exit 3
fi
cp projects/xnat/src/* appserver/webapps/xnat/ 2>/dev/null || true
cp plugin-resources/repository/postgresql/jars/postgresql-9.1.jar appserver/webapps/xnat/WEB-INF/lib/
echo "CREATE TABLE xdat_user ();" > deployments/xnat/sql/xnat.sql
"""
UPDATE = """#!/bin/sh
echo "$@" >> updated
echo "ALTER TABLE x ADD y int;" > deployments/xnat/sql/xnat-update.sql
"""
PROPERTIES = {
    "build.properties": "xdat.project.db.user=xnat\nxdat.project.db.password=s3ntinel-pw\n",
    "plugin-resources/conf/services.properties": "amq.usage.temp=128mb\n",
}


class Place:
    """Unpacked archives, jars, and the options of the module."""

    def __init__(self, folder: Path) -> None:
        """Nothing is built yet."""
        self.folder, self.tree = folder, folder / "home" / "1.6.5-0123456789ab"
        for path, text, mode in (
            ("builder/bin/setup.sh", SETUP, 0o755),
            ("builder/bin/update.sh", UPDATE, 0o755),
            ("builder/bin/StoreXML", "#!/bin/sh\n", 0o755),
            ("builder/build.properties", "as it came\n", 0o644),
            ("builder/.artifact", "list\n", 0o644),
            ("pipeline/setup.sh", "#!/bin/sh\n", 0o755),
            ("repository/postgresql/jars/postgresql-9.1.jar", "old driver", 0o644),
            ("jars/one-1.jar", "first", 0o644),
            ("jars/one-2.jar", "second", 0o644),
            ("jars/bad-1.jar", "BROKEN", 0o644),
            ("driver.jar", "new driver", 0o644),
        ):
            made = folder / path
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_text(text)
            made.chmod(mode)
        self.tree.parent.mkdir()
        self.options: dict[str, Any] = {
            "tree": str(self.tree),
            "account": ME,
            "java_home": "/opt/java/7",
            "java_options": [],
            "jars": str(folder / "jars"),
            "modules": ["one-1.jar"],
            "properties": PROPERTIES,
            "timeout": 60,
            **{name: str(folder / name) for name in ("builder", "pipeline", "repository")},
        }

    def run(self, action: str, check: bool = False, **changed: Any) -> dict[str, Any]:
        """What the module answers."""
        told = {**self.options, **changed, "action": action, "_ansible_check_mode": check}
        return answer_of("xnat_build", told)

    @property
    def deployed(self) -> Path:
        """What the builder deployed."""
        return self.tree / "appserver/webapps/xnat"


def answer_of(module: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run a module of the role as a program; what it printed."""
    program = ROOT / "roles" / "xnat_builder" / "library" / f"{module}.py"
    start = "import runpy, sys, ansible.module_utils as m; m.__path__.append(sys.argv.pop(1)); "
    start += "runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", start, str(ROOT / "module_utils"), str(program)],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_it_is_built_once_from_exactly_what_is_listed(place: Place) -> None:
    assert place.run("looked")["needed"] is True
    first = place.run("built")
    assert (first["changed"], bool(first["build"])) == (True, True), first
    assert sorted(path.name for path in (place.tree / "dpuk-modules").iterdir()) == ["one-1.jar"]
    assert (place.tree / "build.properties").read_text() == PROPERTIES["build.properties"]
    assert (place.tree / "asked").read_text() == "-Ddeploy=true /opt/java/7 none\n"
    assert (place.tree / "pipeline-installer/setup.sh").exists()
    assert not (place.tree / ".artifact").exists()
    again = place.run("built")
    assert (again["changed"], again["build"]) == (False, first["build"])
    assert (place.tree / "asked").read_text().count("\n") == 1


def test_only_who_builds_and_root_read_the_password(place: Place) -> None:
    place.run("built")
    files = [place.tree / "build.properties", xnat_build.beside(place.tree, "setup.log")]
    files.append(xnat_build.beside(place.tree, "built"))
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 3
    assert stat.S_IMODE(place.tree.stat().st_mode) == 0o700
    assert "s3ntinel" not in files[-1].read_text()


def test_another_list_leaves_nothing_of_the_one_before(place: Place) -> None:
    """The builder itself would: what it has copied once, it deploys for ever."""
    first = place.run("built")
    second = place.run("built", modules=["one-2.jar"])
    assert second["build"] != first["build"]
    assert sorted(path.name for path in place.deployed.glob("*.jar")) == ["one-2.jar"]


def test_another_password_is_another_build(place: Place) -> None:
    """The release keeps its name, and what is deployed holds the password."""
    first = place.run("built")
    changed = {**PROPERTIES, "build.properties": "xdat.project.db.password=another-pw\n"}
    assert place.run("looked", properties=changed)["needed"] is True
    assert place.run("built", properties=changed)["build"] not in ("", first["build"])


def test_a_build_that_was_cut_short_begins_again(place: Place) -> None:
    place.run("built")
    xnat_build.beside(place.tree, "built").unlink()
    (place.tree / "projects/xnat/src/left-over.jar").write_text("of a build that nobody finished")
    assert place.run("built")["changed"] is True
    assert sorted(path.name for path in place.deployed.glob("*.jar")) == ["one-1.jar"]


def test_a_module_that_does_not_compile_fails_with_the_reason_and_without_the_password(place: Place) -> None:
    said = place.run("built", modules=["bad-1.jar"])
    assert said["failed"] is True
    for words in ("what runs stays as it is", "bin/setup.sh answered 3", "cannot find symbol", "setup.log"):
        assert words in said["msg"], words
    assert "s3ntinel" not in json.dumps(said["msg"])
    assert place.run("looked", modules=["bad-1.jar"])["needed"] is True


def test_a_builder_that_makes_nothing_is_no_success(place: Place) -> None:
    (place.folder / "builder/bin/setup.sh").write_text("#!/bin/sh\nexit 0\n")
    said = place.run("built")
    assert "made no appserver/webapps/xnat" in said["msg"]
    assert said["failed"] is True


def test_what_takes_too_long_is_ended_with_all_that_it_started(place: Place) -> None:
    """A process that goes on could change the tree while root copies it."""
    (place.folder / "builder/bin/setup.sh").write_text("#!/bin/sh\nsleep 600 & echo $! > child; wait\n")
    said = place.run("built", timeout=1)
    assert "did not end within 1 s" in said["msg"]
    child = Path("/proc") / (place.tree / "child").read_text().strip() / "stat"
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] in "ZX"


def test_the_driver_takes_the_place_of_every_other(place: Place) -> None:
    place.run("built", jdbc=str(place.folder / "driver.jar"))
    assert (place.deployed / "WEB-INF/lib/postgresql-9.1.jar").read_text() == "new driver"
    (place.folder / "repository/postgresql/jars/postgresql-9.1.jar").rename(place.folder / "repository/other.jar")
    assert "xnat_builder_jdbc_src" in place.run("built", jdbc=str(place.folder / "driver.jar"), modules=[])["msg"]


def test_an_old_java_is_told_to_speak_tls(place: Place) -> None:
    place.run("built", java_options=["-Djdk.tls.client.protocols=TLSv1.2"])
    assert (place.tree / "asked").read_text().split()[-1] == "-Djdk.tls.client.protocols=TLSv1.2"


def test_the_database_is_compared_as_it_is_now(place: Place) -> None:
    """What an earlier comparison wrote does not stay when there is nothing to write any more."""
    place.run("built")
    assert place.run("compared")["changed"] is True
    sql = place.tree / xnat_build.UPDATE
    assert sql.exists()
    (place.tree / "bin/update.sh").write_text("#!/bin/sh\n")
    place.run("compared")
    assert not sql.exists()


def test_a_dry_run_says_what_it_would_do_and_does_nothing(place: Place) -> None:
    said = place.run("built", check=True)
    assert (said["changed"], place.tree.exists()) == (True, False)
    assert str(place.tree) in said["diff"]["after"]


def release(place: Place, name: str, **changed: Any) -> dict[str, Any]:
    """Make a release of what was deployed."""
    logs = place.folder / "logs"
    logs.mkdir(exist_ok=True)
    told = {
        "src": str(place.deployed),
        "dest": str(place.folder / "release"),
        "id": name,
        "group": grp.getgrgid(os.getgid()).gr_name,
        "links": {"logs": str(logs)},
    }
    return answer_of("xnat_release", {**told, **changed})


def test_a_release_can_be_read_and_not_changed(place: Place) -> None:
    place.run("built")
    (place.deployed / "logs").mkdir()
    (place.deployed / "page.vm").touch(0o666)
    assert release(place, "a")["changed"] is True
    made = place.folder / "release"
    modes = {stat.S_IMODE(path.lstat().st_mode) for path in made.rglob("*") if not path.is_symlink()}
    assert modes <= {0o750, 0o640, 0o600}
    assert (made / "logs").readlink() == place.folder / "logs"
    assert release(place, "a")["changed"] is False
    (made / "page.vm").write_text("changed by hand")
    assert release(place, "a")["changed"] is True
    assert (made / "page.vm").read_text() == ""
    assert release(place, "b")["changed"] is True


def test_a_release_follows_no_link_to_what_is_roots(place: Place) -> None:
    """The account that builds may put links where it likes, and root copies."""
    place.run("built")
    (place.deployed / "inside").symlink_to("one-1.jar")
    assert release(place, "a")["changed"] is True
    assert (place.folder / "release/inside").readlink() == Path("one-1.jar")
    for target in ("/etc/shadow", "../../../../elsewhere"):
        (place.deployed / "out").unlink(missing_ok=True)
        (place.deployed / "out").symlink_to(target)
        said = release(place, "b")
        assert "leads out of the application" in said["msg"]
        assert (place.folder / "release/one-1.jar").exists(), "the one that was there stays"
    (place.deployed / "out").unlink()
    os.mkfifo(place.deployed / "out")
    assert "neither file nor folder" in release(place, "b")["msg"]
