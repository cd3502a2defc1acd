"""What a node of XNAT 1.6 is built of in a lab: the stand-in's archives, and jars of modules, good and bad."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xnat_builder import modules
from xnat_builder.inputs import Archive, build_inputs

DRIVER = "postgresql-42.2.29.jre7"


def variables(directory: Path, war: Path) -> dict[str, Any]:
    """Make them all in `directory`. `modules` has an entry of `xnat_modules` for each jar, by the jar's name."""
    made = build_inputs(directory / "builder", war)
    driver = directory / "builder" / f"{DRIVER}.jar"
    named = {
        "xnat_builder": made.builder,
        "xnat_builder_pipeline": made.pipeline,
        "xnat_builder_repository": made.repository,
        "xnat_builder_jdbc": Archive(
            driver, modules.write(driver, {"META-INF/services/java.sql.Driver": "org.postgresql.Driver\n"})
        ),
    }
    found: dict[str, Any] = {}
    for name, archive in named.items():
        found |= {f"{name}_src": [str(archive.path)], f"{name}_checksum": f"sha256:{archive.sha256}"}
    return found | {"modules": {name: _module(directory / "modules", name) for name in modules.MODULES}}


def _module(folder: Path, jar: str) -> dict[str, Any]:
    """One jar, as an entry of `xnat_modules`: what stands before its first number is its name."""
    path = folder / f"{jar}.jar"
    checksum = modules.write(path, modules.MODULES[jar])
    at = next(index for index, letter in enumerate(jar) if letter.isdigit())
    return {"name": jar[: at - 1], "version": jar[at:], "src": [str(path)], "checksum": f"sha256:{checksum}"}
