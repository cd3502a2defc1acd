"""What bin/setup.sh and bin/update.sh do: a project, its deployment with SQL, and the web application.

Needs nothing but the host's Python and what the web application itself brings. Everything is laid over what is there
already, so what a module has left behind stays, as with XNAT's own builder.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from standin import compiling, databases, properties

TREE = Path(__file__).resolve().parent.parent
RESOURCES = TREE / "plugin-resources"
#: Where the web application has what a project keeps in src/; what is not named here is not deployed as files.
PLACES = {
    "conf": "WEB-INF/conf",
    "images": "images",
    "pages": ".",
    "resources": "WEB-INF/classes",
    "schemas": "schemas",
    "scripts": "scripts",
    "style": "style",
    "templates": "templates",
}


class BuildError(Exception):
    """What Maven would have said."""


def check_libraries() -> None:
    """Every library of the repository is there. Maven leaves notes in it."""
    repository = RESOURCES / "repository"
    for line in (RESOURCES / "libraries.txt").read_text().split():
        if not (repository / line).is_file():
            raise BuildError(f"The build cannot continue because of the following unsatisfied dependency: {line}")
    (repository / ".last-build").write_text("")


def lay_over(source: Path, target: Path) -> None:
    """Copy a tree over another; what is only in the target stays."""
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())


def make_project(project: Path, said: Mapping[str, str]) -> None:
    """The skeleton, and every module over it in the order of their names."""
    lay_over(RESOURCES / "project-skeletons" / "xnat", project)
    compiling.unpack_modules(Path(said["xdat.modules.location"]), project)


def make_deployment(deployment: Path, project: Path, said: Mapping[str, str]) -> None:
    """SQL, first documents, settings, classes."""
    compiling.compile_project(project / "src" / "java", deployment / "classes")
    lay_over(project / "deploy", deployment)
    (deployment / "sql").mkdir(parents=True, exist_ok=True)
    (deployment / "sql" / "xnat.sql").write_text(databases.sql_of(project / "src" / "schemas"))
    text = (project / "InstanceSettings.xml").read_text()
    (deployment / "InstanceSettings.xml").write_text(properties.filled(text, said))


def deploy(deployment: Path, project: Path, said: Mapping[str, str]) -> None:
    """Lay the application over what Tomcat serves."""
    application = Path(said["maven.appserver.home"]) / "webapps" / said["xdat.project.name"]
    lay_over(RESOURCES / "webapp" / "xnat", application)
    for name, place in PLACES.items():
        if (project / "src" / name).is_dir():
            lay_over(project / "src" / name, application / place)
    lay_over(deployment / "classes", application / "WEB-INF" / "classes")
    for jar in (RESOURCES / "repository").rglob("*.jar"):
        lay_over_file(jar, application / "WEB-INF" / "lib" / jar.name)
    conf = application / "WEB-INF" / "conf"
    services = (RESOURCES / "conf" / "services.properties").read_text()
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "services.properties").write_text(properties.filled(services, said))
    lay_over_file(deployment / "InstanceSettings.xml", conf / "InstanceSettings.xml")
    installer, pipelines = (Path(said[f"xdat.pipeline.{name}.location"]) for name in ("installer", "deployment"))
    lay_over(installer, pipelines)


def lay_over_file(source: Path, target: Path) -> None:
    """Copy one file over another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


def main(action: str, options: Collection[str]) -> None:
    """Carry out `setup` or `update`."""
    said = properties.read(TREE / "build.properties") | properties.read(TREE / "project.properties")
    name = said["xdat.project.name"]
    project, deployment = TREE / "projects" / name, TREE / "deployments" / name
    check_libraries()
    if action == "setup" and project.exists():
        raise BuildError(f"Project {name} exists already: use bin/update.sh")
    if action == "update" and not deployment.exists():
        raise BuildError(f"Project {name} was never set up: use bin/setup.sh")
    make_project(project, said)
    make_deployment(deployment, project, said)
    if action == "update":
        update = databases.missing(project / "src" / "schemas", deployment / "InstanceSettings.xml")
        (deployment / "sql" / "xnat-update.sql").write_text(update)
    if "-Ddeploy=true" in options:
        deploy(deployment, project, said)
    print("BUILD SUCCESSFUL")


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except (BuildError, compiling.CompileError, databases.DatabaseError, KeyError, OSError) as error:
        print(f"BUILD FAILED\nError: {error}")
        sys.exit(70)
