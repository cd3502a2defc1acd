"""XNAT's contract, section 11: plugins are found in the jars of the home folder."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from xnat_twin.configuration.database_tls import HomeError
from xnat_twin.configuration.xnat_home import read_home
from xnat_twin.server import Server
from xnat_twin.site import Site

pytestmark = pytest.mark.practice_xnat("puts jars into the server's home folder")
CONF = "datasource.url=jdbc:postgresql://h/d\ndatasource.username=u\ndatasource.password=p\n"
OHIF = "id=ohifViewerPlugin\nname=OHIF viewer\nclass=org.example.OhifViewerPlugin\nentityPackages=a.b, c.d\n"

Listed = Callable[[Mapping[str, Mapping[str, str]]], dict[str, dict[str, object]]]


def _jar(folder: Path, name: str, files: Mapping[str, str]) -> None:
    with zipfile.ZipFile(folder / name, "w") as jar:
        for path, text in files.items():
            jar.writestr(path, text)


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[Listed]:
    """What `/xapi/plugins` says when these jars (name → files in it) are in the home's folder."""
    (tmp_path / "home" / "config").mkdir(parents=True)
    (tmp_path / "home" / "plugins").mkdir()
    (tmp_path / "home" / "config" / "xnat-conf.properties").write_text(CONF)
    with ExitStack() as servers:

        def ask(jars: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, object]]:
            for name, files in jars.items():
                _jar(tmp_path / "home" / "plugins", name, files)
            home = read_home(tmp_path / "home")
            site = Site.open(tmp_path / "data", database=f"sqlite:///{tmp_path / 'x'}", home=home, admin_password="pw")
            site.preferences.set({"initialized": True})
            server = servers.enter_context(Server(site, port=0))
            found = requests.get(f"{server.url}/xapi/plugins", auth=("admin", "pw"), timeout=30).json()
            one = requests.get(f"{server.url}/xapi/plugins/ohifViewerPlugin", auth=("admin", "pw"), timeout=30)
            assert (one.status_code == 200) is ("ohifViewerPlugin" in found)
            answer: dict[str, dict[str, object]] = found
            return answer

        yield ask


@pytest.mark.rule("plugins-in-jars", "plugin-version")
def test_plugins_are_those_of_the_jars(listed: Listed) -> None:
    found = listed(
        {
            "ohif-viewer-3.7.0.jar": {"META-INF/xnat/ohif-plugin.properties": OHIF},
            "library-1.0.jar": {"org/example/Library.class": ""},
            "batch.jar": {"META-INF/xnat/deeper/batch-plugin.properties": "id=batch\nname=Batch\nversion=0.6\n"},
            "misnamed-2.0.jar": {"META-INF/xnat/misnamed.properties": "id=misnamed\n"},
        }
    )
    assert sorted(found) == ["batch", "ohifViewerPlugin"]
    assert (found["ohifViewerPlugin"]["version"], found["batch"]["version"]) == ("3.7.0", "0.6")
    assert found["ohifViewerPlugin"]["beanName"] == "ohifViewerPlugin"
    assert found["ohifViewerPlugin"]["entityPackages"] == ["a.b", "c.d"]


@pytest.mark.rule("plugin-version")
def test_a_plugin_without_any_version_is_unknown(listed: Listed) -> None:
    found = listed({"ohif.jar": {"META-INF/xnat/ohif-plugin.properties": OHIF}})
    assert found["ohifViewerPlugin"]["version"] == "unknown"


@pytest.mark.rule("plugin-twice")
def test_with_a_plugin_in_two_jars_it_does_not_start(listed: Listed) -> None:
    one = {"META-INF/xnat/ohif-plugin.properties": OHIF}
    with pytest.raises(HomeError, match=r"ohifViewerPlugin is in ohif-3\.6\.jar and in ohif-3\.7\.jar"):
        listed({"ohif-3.6.jar": one, "ohif-3.7.jar": one})


@pytest.mark.rule("plugins-in-jars")
def test_a_module_of_dpuk_brings_its_data_types(listed: Listed) -> None:
    """The practice XNAT knows what is in them; their jars need only say that they are there."""
    described = "id=dpuk-datatypes\nname=DPUK data types\nclass=uk.dpuk.DatatypesPlugin\n"
    assert list(listed({"dpuk-datatypes-1.0.jar": {"META-INF/xnat/dpuk-plugin.properties": described}})) == [
        "dpuk-datatypes"
    ]
