"""The plugins in a home folder, found as XNAT finds them: by the properties files in its jars.

Only what `/xapi/plugins` tells of them; no code of a jar is run. Reference: XnatPluginBeanManager, XnatPluginBean,
META-INF/context.xml of the web application (every `plugins/*.jar` is on the class path).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xnat_twin.configuration.database_tls import HomeError
from xnat_twin.configuration.xnat_home import parse_properties

_DESCRIPTION = re.compile(r"META-INF/xnat/(?:.*/)?[^/]*-plugin\.properties")
_VERSION_IN_NAME = re.compile(r"[A-Za-z0-9._-]+-(\d.*)\.jar")


@dataclass(frozen=True)
class Plugin:
    """One plugin, by the properties in its jar."""

    jar: str
    properties: Mapping[str, str]

    @property
    def id(self) -> str:
        return self.properties["id"]

    def described(self) -> dict[str, Any]:
        """What `/xapi/plugins` says of it; what has no value is null."""
        said = self.properties
        simple = said.get("class", "").rpartition(".")[2]
        in_name = _VERSION_IN_NAME.fullmatch(self.jar)
        return {
            "id": self.id,
            "name": said.get("name"),
            "version": said.get("version") or (in_name[1] if in_name else "unknown"),
            "description": said.get("description"),
            "pluginClass": said.get("class"),
            "beanName": said.get("beanName") or simple[:1].lower() + simple[1:],
            "namespace": said.get("namespace"),
            "entityPackages": [name.strip() for name in said.get("entityPackages", "").split(",") if name.strip()],
            "dataModelBeans": [],
            "extendedAttributes": {},
        }


def read_plugins(folder: Path) -> dict[str, Plugin]:
    """The plugins in the jars of a folder, by ID; none if it does not exist.

    HomeError for a jar that is none, and for two with one plugin, with which XNAT does not start.
    """
    found: dict[str, Plugin] = {}
    for path in sorted(folder.glob("*.jar")):
        for plugin in _read_jar(path):
            if plugin.id in found:
                raise HomeError(f"plugin {plugin.id} is in {found[plugin.id].jar} and in {path.name}: remove one")
            found[plugin.id] = plugin
    return found


def _read_jar(path: Path) -> list[Plugin]:
    try:
        with zipfile.ZipFile(path) as jar:
            names = sorted(name for name in jar.namelist() if _DESCRIPTION.fullmatch(name))
            texts = [jar.read(name).decode("latin-1") for name in names]
    except (OSError, zipfile.BadZipFile) as error:
        raise HomeError(f"cannot read the plugin {path}: {error}") from error
    plugins = [Plugin(path.name, parse_properties(text)) for text in texts]
    if any(not plugin.properties.get("id") for plugin in plugins):
        raise HomeError(f"the plugin in {path} has no id")
    return plugins
