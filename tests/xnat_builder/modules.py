"""Jars of modules with the inner layout of the DPUK's own, and with content of our own.

`MODULE-VERSION` by name gives the files of a jar; `write` makes the jar, the same bytes every time. What each does to
the deployed practice XNAT is said beside it.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

TESTS = Path(__file__).parent.parent
_SCHEMA = TESTS / "xnat_twin" / "datatypes" / "schemas" / "dpuk" / "dpuk.xsd"
_MANIFEST = {"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\nCreated-By: tests of dpuk-node\n"}
_RESTLETS = "src/java/org/nrg/xnat/restlet/extensions"

_EMPTY_SCHEMA = """<?xml version="1.0" encoding="UTF-8"?>
<xs:schema targetNamespace="http://nrg.wustl.edu/datafreeze" xmlns:datafreeze="http://nrg.wustl.edu/datafreeze"
    xmlns:xs="http://www.w3.org/2001/XMLSchema"/>
"""

Files = Mapping[str, str | bytes]


def write(path: Path, files: Files) -> str:
    """Make a jar of these files and return its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jar(files))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def jar(files: Files) -> bytes:
    """A jar of these files and a manifest."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in {**_MANIFEST, **files}.items():
            packed.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def java(name: str, body: str = "") -> dict[str, str]:
    """The source of one class, by its full name."""
    package, _, simple = name.rpartition(".")
    text = f"package {package};\n\npublic class {simple} {{\n{body}}}\n"
    return {f"src/java/{name.replace('.', '/')}.java": text}


def node_extras(version: str) -> Files:
    """Data freezes. Each version tells its own in a script, and has a class and a page that the other has not."""
    old = version == "1-3a"
    own = "LegacyFreeze" if old else "StudyFilter"
    return {
        "src/conf/mq-context.xml": '<beans xmlns="http://www.springframework.org/schema/beans"/>\n',
        "src/conf/datafreeze-config.xml": '<beans xmlns="http://www.springframework.org/schema/beans"/>\n',
        "src/scripts/datafreeze.js": f"var DATAFREEZE_VERSION = '{version}';\n",
        f"src/scripts/datafreeze/{own}.js": f"// {own} of {version}\n",
        "src/style/datafreeze.css": f"/* {version} */\n",
        "src/images/logo.gif": b"GIF89a" + version.encode(),
        "src/schemas/datafreeze/datafreeze.xsd": _EMPTY_SCHEMA,
        "src/templates/screens/DataFreeze_Step1.vm": f"<h1>Data freeze {version}</h1>\n",
        f"src/templates/screens/DataFreeze_{own}.vm": f"<h1>{own}</h1>\n",
        **java("org.nrg.xnat.restlet.extensions.DataFreezeRestlet", f'    String VERSION = "{version}";\n'),
        **java(f"org.nrg.xnat.restlet.extensions.transfer.{own}"),
    }


def datatypes() -> Files:
    """The two data types of the DPUK."""
    return {
        "src/conf/override-config.properties": "ui.date-format=dd/MM/yyyy\n",
        "src/scripts/dpukdate.js": "// dates of the DPUK\n",
        "src/schemas/dpuk/dpuk_datatype1.xsd": _SCHEMA.read_text("utf-8"),
        "src/templates/screens/XDATScreen_edit_dpuk_dpukAssessmentData.vm": "<form></form>\n",
    }


def branding() -> Files:
    """A logo."""
    return {"src/images/logo.png": b"\x89PNG\r\n\x1a\n the logo of the DPUK"}


def applet_fix() -> Files:
    """The page of the upload applet, mended."""
    return {"src/templates/screens/UploadApplet.vm": "<p>Use the upload by file instead of an applet.</p>\n"}


def testing_ribbon() -> Files:
    """A ribbon that says that this is a test system. The DPUK withdrew the module in November 2016."""
    return {
        "src/images/testing-ribbon.png": b"\x89PNG\r\n\x1a\n a ribbon",
        "src/templates/screens/header/testing-ribbon.vm": "<img src='/images/testing-ribbon.png'>\n",
    }


def biobank() -> Files:
    """UK Biobank: takes a spreadsheet of participants, and a token for their images."""
    names = ("BioBankTokenUploaderRestlet", "BioBankUploaderRestlet")
    sources = {path: text for name in names for path, text in java(f"org.nrg.xnat.restlet.extensions.{name}").items()}
    return {
        "src/conf/dpuk_bb_module-context.xml": '<beans xmlns="http://www.springframework.org/schema/beans"/>\n',
        "src/resources/key.json": "{}\n",
        "src/schemas/dpuk/dpuk_datatype1.xsd": _SCHEMA.read_text("utf-8"),
        "src/templates/screens/BioBank.vm": "<h1>UK Biobank</h1>\n",
        **sources,
    }


def does_not_compile() -> Files:
    """Ends bin/setup.sh: a source that stops in the middle."""
    return {
        f"{_RESTLETS}/BrokenRestlet.java": "package org.nrg.xnat.restlet.extensions;\n\npublic class BrokenRestlet {\n"
    }


def does_not_start() -> Files:
    """Compiles, and keeps the application from starting: a Spring context that nobody can read."""
    return {"src/conf/broken-context.xml": "<beans>\n"}


def does_not_fit() -> Files:
    """A class that dpuk-node-extras has as well, in another file."""
    return {
        f"{_RESTLETS}/Other.java": "package org.nrg.xnat.restlet.extensions;\n\npublic class Other {\n}\n"
        "class DataFreezeRestlet {\n}\n"
    }


#: Jar name without its end -> its files.
MODULES: Mapping[str, Files] = {
    "dpuk-node-extras-1-3a": node_extras("1-3a"),
    "dpuk-node-extras-1-3b": node_extras("1-3b"),
    "dpuk-datatypes-1": datatypes(),
    "dpuk-branding-1": branding(),
    "xnat-upload-applet-fix-1": applet_fix(),
    "dpuk-testing-ribbon-1": testing_ribbon(),
    "dpuk-biobank-0-4": biobank(),
    "does-not-compile-1": does_not_compile(),
    "does-not-start-1": does_not_start(),
    "does-not-fit-1": does_not_fit(),
}
