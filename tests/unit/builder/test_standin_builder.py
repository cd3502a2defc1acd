"""The stand-in builder does to files what XNAT's own does: lays over, leaves behind, fails where that one fails."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from xnat_builder import modules
from xnat_builder.inputs import LIBRARIES, build_inputs
from xnat_twin.war.build import copy_package

APPLICATION = Path("appserver/webapps/xnat")
MARKED = "WEB-INF/python/xnat_twin"


@pytest.fixture(scope="session")
def archives(tmp_path_factory):
    """The three archives, of a web application that has the server's own sources and no wheels."""
    folder = tmp_path_factory.mktemp("inputs")
    copy_package(folder / "app" / MARKED)
    with zipfile.ZipFile(folder / "xnat.war", "w") as war:
        war.writestr("WEB-INF/web.xml", "<web-app><context-param>version</context-param></web-app>")
        for path in sorted((folder / "app").rglob("*")):
            if path.is_file():
                war.write(path, path.relative_to(folder / "app"))
    return build_inputs(folder, folder / "xnat.war")


class Tree:
    """One unpacked builder and what is done with it."""

    def __init__(self, folder, archives):
        self.root = folder / "tree"
        self.java = folder / "jdk"
        (self.java / "bin").mkdir(parents=True)
        (self.java / "bin" / "java").write_text("#!/bin/sh\nexit 0\n")
        (self.java / "bin" / "java").chmod(0o755)
        for archive, place in ((archives.builder, ""), (archives.repository, "plugin-resources/repository")):
            self._unpack(archive.path, self.root / place)
        self._unpack(archives.pipeline.path, self.root / "pipeline-installer")
        (self.root / "jars").mkdir()
        self.write_properties()

    def _unpack(self, archive, folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                member.name = member.name.partition("/")[2]
                tar.extract(member, folder, filter="data")

    def write_properties(self, **more):
        said = {
            "maven.appserver.home": self.root / "appserver",
            "xdat.project.name": "xnat",
            "xdat.modules.location": self.root / "jars",
            "xdat.pipeline.installer.location": self.root / "pipeline-installer",
            "xdat.pipeline.deployment.location": self.root / "pipeline",
            "xdat.project.db.connection.string": "jdbc:postgresql://127.0.0.1:1/xnat",
            "xdat.project.db.user": "xnat",
            "xdat.project.db.password": "secret-word",
            "xdat.archive.location": "/data/archive",
        } | more
        text = "".join(f"{name}={value}\n" for name, value in said.items())
        (self.root / "build.properties").write_text(text)

    def jar(self, name):
        modules.write(self.root / "jars" / f"{name}.jar", modules.MODULES[name])

    def run(self, script, *options, user=None, **environment):
        command = [str(self.root / "bin" / script), *options]
        known = {"JAVA_HOME": str(self.java), "PATH": os.environ["PATH"]} | environment
        return subprocess.run(command, cwd=self.root, env=known, user=user, capture_output=True, text=True)

    def deployed(self, name):
        return self.root / APPLICATION / name


@pytest.fixture
def tree(tmp_path, archives):
    return Tree(tmp_path, archives)


def setup(tree):
    done = tree.run("setup.sh", "-Ddeploy=true")
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_same_sources_give_the_same_archives(tmp_path, archives):
    again = build_inputs(tmp_path, archives.builder.path.parent / "xnat.war")
    assert [again.builder.sha256, again.pipeline.sha256, again.repository.sha256] == [
        archives.builder.sha256,
        archives.pipeline.sha256,
        archives.repository.sha256,
    ]


def test_setup_deploys_application_sql_and_first_documents(tree):
    tree.jar("dpuk-node-extras-1-3a")
    tree.jar("dpuk-datatypes-1")
    setup(tree)
    assert "DATAFREEZE_VERSION = '1-3a'" in tree.deployed("scripts/datafreeze.js").read_text()
    assert tree.deployed("WEB-INF/classes/org/nrg/xnat/restlet/extensions/DataFreezeRestlet.class").exists()
    assert tree.deployed("schemas/dpuk/dpuk_datatype1.xsd").exists()
    assert "datasource.password=secret-word" in tree.deployed("WEB-INF/conf/services.properties").read_text()
    assert 'Pass="secret-word"' in tree.deployed("WEB-INF/conf/InstanceSettings.xml").read_text()
    assert tree.deployed("WEB-INF/lib/postgresql-9.1-901.jdbc4.jar").exists()
    assert (tree.root / "pipeline" / "bin" / "XnatPipelineLauncher").exists()
    deployment = tree.root / "deployments" / "xnat"
    sql = (deployment / "sql" / "xnat.sql").read_text()
    assert "CREATE TABLE xdat_user" in sql
    assert "CREATE TABLE dpuk_dpukassessmentdata" in sql
    assert "xhbm_" not in sql.replace("REFERENCES xhbm_", "")
    assert "xnat:mrSessionData/project" in (deployment / "security" / "security.xml").read_text()
    assert (deployment / "work" / "field_groups" / "demographics.xml").exists()


def test_without_deploy_nothing_is_deployed(tree):
    assert tree.run("setup.sh").returncode == 0
    assert not tree.deployed("WEB-INF").exists()
    assert (tree.root / "deployments" / "xnat" / "sql" / "xnat.sql").exists()


def test_setup_is_for_the_first_time_and_update_for_later(tree):
    assert "use bin/setup.sh" in tree.run("update.sh", "-Ddeploy=true").stdout
    setup(tree)
    again = tree.run("setup.sh", "-Ddeploy=true")
    assert again.returncode != 0
    assert "use bin/update.sh" in again.stdout


def test_update_without_a_database_fails(tree):
    setup(tree)
    done = tree.run("update.sh", "-Ddeploy=true")
    assert done.returncode != 0
    assert "the database cannot be compared" in done.stdout
    assert "secret-word" not in done.stdout + done.stderr


def test_what_a_removed_module_brought_stays(tree):
    """Why a release is built in a fresh tree."""
    tree.jar("dpuk-node-extras-1-3a")
    setup(tree)
    (tree.root / "jars" / "dpuk-node-extras-1-3a.jar").unlink()
    tree.jar("dpuk-node-extras-1-3b")
    tree.run("update.sh", "-Ddeploy=true")
    sources = tree.root / "projects/xnat/src/java/org/nrg/xnat/restlet/extensions/transfer"
    assert {path.name for path in sources.iterdir()} == {"LegacyFreeze.java", "StudyFilter.java"}
    classes = tree.root / "deployments/xnat/classes/org/nrg/xnat/restlet/extensions/transfer"
    assert {path.name for path in classes.iterdir()} == {"LegacyFreeze.class", "StudyFilter.class"}


@pytest.mark.parametrize(
    ("jars", "said"),
    [
        (["does-not-compile-1"], "error: reached end of file while parsing"),
        (["dpuk-node-extras-1-3b", "does-not-fit-1"], "error: duplicate class"),
        (["dpuk-node-extras-1-3a", "dpuk-node-extras-1-3b"], "error: duplicate class"),
    ],
)
def test_modules_that_do_not_compile_fail_the_build(tree, jars, said):
    for name in jars:
        tree.jar(name)
    done = tree.run("setup.sh", "-Ddeploy=true")
    assert done.returncode != 0
    assert said in done.stdout
    assert "BUILD FAILED" in done.stdout
    assert not tree.deployed("WEB-INF").exists()


@pytest.mark.parametrize("content", [b"<html>404</html>", None])
def test_a_jar_that_is_none_fails_the_build(tree, content):
    tree.jar("dpuk-branding-1")
    jar = tree.root / "jars" / "dpuk-branding-1.jar"
    jar.write_bytes(jar.read_bytes()[:-60] if content is None else content)
    done = tree.run("setup.sh", "-Ddeploy=true")
    assert done.returncode != 0
    assert "Unable to unpack" in done.stdout


def test_a_library_that_is_missing_fails_the_build(tree):
    (tree.root / "plugin-resources" / "repository" / LIBRARIES[0]).unlink()
    assert f"unsatisfied dependency: {LIBRARIES[0]}" in tree.run("setup.sh", "-Ddeploy=true").stdout


def test_a_repository_that_is_not_writable_fails_the_build(archives):
    """Root may write everywhere, so somebody else builds."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder), archives)
        for path in [Path(folder), *Path(folder).rglob("*")]:
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        (tree.root / "plugin-resources" / "repository").chmod(0o555)
        nobody = 65534 if os.geteuid() == 0 else None
        assert "is not writable" in tree.run("setup.sh", "-Ddeploy=true", user=nobody).stdout


def test_it_needs_a_jdk(tree):
    assert "JAVA_HOME is not set" in tree.run("setup.sh", "-Ddeploy=true", JAVA_HOME="").stdout
