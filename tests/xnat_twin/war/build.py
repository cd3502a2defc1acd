"""Packs the practice XNAT as a WAR. The same input always gives the same bytes.

`python tests/xnat_twin/war/build.py OUTPUT --servlet-api TOMCAT/lib/servlet-api.jar [--javac "podman exec web javac"]`
prints the WAR's SHA-256. Needs pip (for the wheels of requirements.txt) and a javac of Java 11 or later.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parent
#: The oldest moment that a zip file can express.
EPOCH = (1980, 1, 1, 0, 0, 0)


class BuildError(Exception):
    """A tool failed; the message is what it said."""


def build_war(output: Path, servlet_api: Path, javac: Sequence[str] = ("javac",), version: str = "1.10.1") -> str:
    """Write the WAR to `output` and return its SHA-256.

    `javac` is a command prefix: the compiler may run elsewhere as long as it sees the folder of `output`, where the
    work is done. `version` is the XNAT version that the server will claim. Raises BuildError.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".war-") as temporary:
        root = Path(temporary)
        root.chmod(0o755)  # a compiler in a container may be another user
        inf = root / "war" / "WEB-INF"
        inf.mkdir(parents=True)
        install_wheels(inf / "python")
        copy_package(inf / "python" / PACKAGE.name)
        compile_servlet(root, inf / "classes", servlet_api, javac)
        (inf / "web.xml").write_text((HERE / "web.xml").read_text("utf-8").replace("@VERSION@", version), "utf-8")
        return write_war(root / "war", output)


def install_wheels(target: Path) -> None:
    """Install the pinned wheels, refusing any that is not pure Python."""
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-deps",
    ]
    any_machine = ["--only-binary=:all:", "--platform", "any", "--implementation", "py", "--abi", "none"]
    _run([*pip, *any_machine, "--target", str(target), "--requirement", str(HERE / "requirements.txt")])
    shutil.rmtree(target / "bin", ignore_errors=True)
    for record in target.glob("*.dist-info"):  # RECORD and INSTALLER differ between runs and pips
        for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
            (record / name).unlink(missing_ok=True)
    compiled = [path for suffix in ("so", "pyd") for path in target.rglob(f"*.{suffix}")]
    if compiled:
        raise BuildError(f"not pure Python: {', '.join(str(path.relative_to(target)) for path in compiled)}")


def copy_package(target: Path) -> None:
    """The server's own sources, without this folder and the tests' helpers."""
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__", "war", "rules", "testing.py", "*.md"))


def compile_servlet(work: Path, classes: Path, servlet_api: Path, javac: Sequence[str]) -> None:
    """Compile TwinServlet.java for Java 11. Source and API jar are copied into `work`, where any compiler sees them."""
    classes.mkdir(parents=True)
    source = shutil.copy(HERE / "TwinServlet.java", work)
    api = shutil.copy(servlet_api, work / "servlet-api.jar")
    _run(
        [
            *javac,
            "--release",
            "11",
            "-encoding",
            "UTF-8",
            "-proc:none",
            "-cp",
            str(api),
            "-d",
            str(classes),
            str(source),
        ]
    )


def write_war(folder: Path, output: Path) -> str:
    """Zip `folder` and return the SHA-256: sorted names, fixed times and modes."""
    temporary = output.with_name(f".{output.name}.new")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as war:
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts):
            if path.is_file() and path.suffix != ".pyc":
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
                entry.external_attr = 0o100644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3
                war.writestr(entry, path.read_bytes())
    temporary.replace(output)
    return hashlib.sha256(output.read_bytes()).hexdigest()


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError(f"cannot run {command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        said = re.sub(r"\s*\n\s*", "; ", (done.stderr or done.stdout).strip())
        raise BuildError(f"{shlex.join(command[:4])} … ended with {done.returncode}: {said}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Pack the practice XNAT as a WAR and print its SHA-256.")
    parser.add_argument("output", type=Path)
    parser.add_argument("--servlet-api", type=Path, required=True, help="Tomcat's lib/servlet-api.jar")
    parser.add_argument("--javac", default="javac", help="compiler command, may have arguments")
    parser.add_argument("--xnat-version", default="1.10.1")
    options = parser.parse_args()
    try:
        print(build_war(options.output, options.servlet_api, shlex.split(options.javac), options.xnat_version))
    except (BuildError, OSError) as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
