"""What a builder of XNAT 1.6 has deployed: the application's folder, and what it says of database, modules, data types.

Here a module is what it has left in that folder, as with XNAT 1.6, whose modules are nothing but files laid over it.
Reference: InstanceSettings.xml, services.properties and the Spring contexts in WEB-INF/conf.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from xnat_twin.configuration.database_tls import HomeError
from xnat_twin.configuration.xnat_home import XnatHome, database_url, parse_properties

#: The folders of schemas that every XNAT has; all others are those of modules.
CORE_SCHEMAS = frozenset({"xdat", "birn", "catalog", "xnat"})
#: Module -> a class that is compiled into the application where the module is.
_CLASSES = {
    "dpuk-node-extras": "org/nrg/xnat/restlet/extensions/DataFreezeRestlet.class",
    "dpuk-biobank": "org/nrg/xnat/restlet/extensions/BioBankTokenUploaderRestlet.class",
}


@dataclass(frozen=True)
class Deployed:
    """One deployed application."""

    root: Path
    modules: frozenset[str]
    #: Schemas of modules, in the order of their names.
    schemas: tuple[Path, ...]


def read_deployed(root: Path, home: Path) -> tuple[Deployed, XnatHome]:
    """Read what is deployed at `root`, with the folder `home` for logs and work. Raises HomeError."""
    conf = root / "WEB-INF" / "conf"
    for context in sorted(conf.glob("*-context.xml")):
        _parsed(context)  # Spring reads them all, and one that it cannot read ends the start
    services = conf / "services.properties"
    try:
        properties = parse_properties(services.read_text("utf-8"))
    except OSError as error:
        raise HomeError(f"cannot read {services}: {error.strerror}; the builder writes it") from error
    unfilled = sorted(name for name, value in properties.items() if value.startswith("@"))
    if unfilled:
        raise HomeError(f"{services}: the builder has not filled in {', '.join(unfilled)}")
    database, tls = database_url(
        properties["datasource.url"], properties["datasource.username"], properties["datasource.password"]
    )
    settings = _parsed(conf / "InstanceSettings.xml")
    archive = {"archivePath": settings.get("archive_root_path", "")}
    found = XnatHome(home, database, tls, archive, None)
    return Deployed(root, frozenset(_modules(root)), tuple(_schemas(root))), found


def _parsed(path: Path) -> ET.Element:
    try:
        return ET.parse(path).getroot()  # noqa: S314 (a file of the administrator's)
    except (OSError, ET.ParseError) as error:
        raise HomeError(f"cannot use {path}: {error}") from error


def _modules(root: Path) -> Iterator[str]:
    yield from (name for name, path in _CLASSES.items() if (root / "WEB-INF" / "classes" / path).is_file())


def _schemas(root: Path) -> Iterator[Path]:
    for path in sorted((root / "schemas").glob("*/*.xsd")):
        if path.parent.name not in CORE_SCHEMAS:
            yield path
