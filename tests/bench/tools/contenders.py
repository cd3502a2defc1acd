"""Who takes part: the commands that carry a table of images into a project, and what is made for them beforehand."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.practice import PASSWORD, BenchError, Client

from .images import RESOURCE, Image

_SCRIPTS = Path(__file__).parent / "scripts"
_ROOT = Path(__file__).parents[3]
_ADMIN = "admin"
_AT_ONCE = 8


@dataclass(frozen=True)
class Job:
    """What is to be carried where; `folder` is the contender's own."""

    url: str
    project: str
    images: Sequence[Image]
    folder: Path

    @property
    def table(self) -> str:
        """The file with the table of the images."""
        return str(self.folder / "images.tsv")

    @property
    def account(self) -> list[str]:
        """The first arguments of every script."""
        return [self.url, _ADMIN, PASSWORD]

    @property
    def environment(self) -> dict[str, str]:
        """That of the bench, without proxies and without settings that a user has at home."""
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        own = {"NO_PROXY": "*", "NETRC": os.devnull, "HOME": str(self.folder)}
        return {**kept, **own, "ANSIBLE_CONFIG": str(_ROOT / "ansible.cfg")}


@dataclass(frozen=True)
class Contender:
    """A way to upload. `needs` is what must be there before it starts, which is not measured."""

    name: str
    command: Callable[[Job], list[str]]
    needs: Literal["project", "sessions", "resources"] = "project"

    @property
    def project(self) -> str:
        """A project of its own, after its name."""
        return "".join(letter for letter in self.name.upper() if letter.isalnum())

    def prepare(self, client: Client, project: str, images: Sequence[Image]) -> None:
        """Make what must be there."""
        client.send("PUT", f"/data/projects/{project}")
        if self.needs == "project":
            return
        for path in dict.fromkeys(image.session_path for image in images):
            client.send("PUT", f"/data/projects/{project}/{path}?xsiType=xnat:mrSessionData")
        if self.needs == "sessions":
            return
        for path in dict.fromkeys(image.resource_path for image in images):
            scan = path.partition("/resources/")[0]
            client.send("PUT", f"/data/projects/{project}/{scan}?xsiType=xnat:mrScanData&type=T1")
            client.send("PUT", f"/data/projects/{project}/{path}?format={RESOURCE}")


def _recipe(job: Job) -> list[str]:
    return ["bash", str(_SCRIPTS / "recipe.sh"), *job.account, job.project, job.table]


def _pyxnat(job: Job) -> list[str]:
    return [sys.executable, str(_SCRIPTS / "with_pyxnat.py"), *job.account, job.project, job.table]


def _xnatpy(job: Job) -> list[str]:
    return [sys.executable, str(_SCRIPTS / "with_xnatpy.py"), *job.account, job.project, job.table]


def _parallel(job: Job) -> list[str]:
    numbers = {path: number for number, path in enumerate(dict.fromkeys(i.resource_path for i in job.images))}
    lists: dict[int, list[str]] = {}
    for image in job.images:
        address = f"{job.url}/data/projects/{job.project}/{image.resource_path}/files/{image.path.name}"
        uploads = lists.setdefault(numbers[image.resource_path] % _AT_ONCE, [])
        uploads += [f'url = "{address}?inbody=true&format={RESOURCE}"', f'upload-file = "{image.path}"']
    for number, uploads in lists.items():
        (job.folder / f"uploads{number}").write_text("\n".join(uploads))
    return ["bash", str(_SCRIPTS / "parallel.sh"), *job.account, *(str(job.folder / f"uploads{n}") for n in lists)]


def _module(job: Job, **options: str) -> list[str]:
    return [sys.executable, str(_SCRIPTS / "with_xnat_upload.py"), _options(job, **options)]


def _module_by_size(job: Job) -> list[str]:
    return _module(job, compare="size")


def _ansible(job: Job) -> list[str]:
    ansible = shutil.which("ansible", path=str(Path(sys.executable).parent)) or "ansible"
    return [ansible, "localhost", "-m", "xnat_upload", "-a", _options(job)]


def _options(job: Job, **options: str) -> str:
    """Options of xnat_upload: what is where, and those given; everything else is its default."""
    where = {"url": job.url, "username": _ADMIN, "password": PASSWORD, "project": job.project}
    return json.dumps({**where, "manifest": job.table, "root": "/", **options})


def changed(printed: str) -> bool:
    """Whether xnat_upload says that it changed something. Raises BenchError if it does not say."""
    try:
        return bool(json.loads(printed)["changed"])
    except (ValueError, KeyError, TypeError) as error:
        raise BenchError(f"xnat_upload printed what is no result: {printed[-500:]!r}") from error


RECIPE = Contender("curl recipe", _recipe, "sessions")
PYXNAT = Contender("pyxnat", _pyxnat)
XNATPY = Contender("XNATpy", _xnatpy)
PARALLEL = Contender("8 x curl -T", _parallel, "resources")
SINGLE = Contender("curl -T", _parallel, "resources")
OURS = Contender("xnat_upload", _module)
OURS_AGAIN = Contender("xnat_upload, once more", _module)
OURS_BY_SIZE = Contender("xnat_upload, compare: size", _module_by_size)
OURS_BY_ANSIBLE = Contender("xnat_upload by ansible", _ansible)
