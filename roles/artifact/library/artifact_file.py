#!/usr/bin/python
"""Get one file onto the machine that runs Ansible, and prove that it is the right one.

Runs on the controller. It does not place anything on a host: that is the role's next step, so that a wrong file
is found before any host is touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

DOCUMENTATION = r"""
module: artifact_file
short_description: Fetch one file into a cache and verify it
description:
  - Takes the first source that works, a path on this machine or a URL, and verifies magic bytes and checksum.
  - A file from a URL is kept in the cache; a cached file with another checksum is fetched again.
  - A local file with another checksum is refused, never replaced.
  - Check mode asks for the first bytes only, so that a page in place of the file is found before the real run.
options:
  src: {description: Paths or http(s) URLs in order of preference., type: list, elements: str, required: true}
  checksum: {description: "C(sha256:HEX) or C(sha512:HEX).", type: str, required: true}
  format: {description: What the bytes must be., type: str, choices: [zip, gzip, xz, any], default: any}
  cache: {description: Folder for files that came from a URL., type: path, required: true}
  name: {description: File name in the cache. Default is the last part of the first URL., type: str}
  timeout: {description: Seconds to wait for the other side to say something., type: int, default: 60}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Get Tomcat
  artifact_file:
    src: ["https://archive.apache.org/dist/tomcat/tomcat-9/v9.0.117/bin/apache-tomcat-9.0.117.tar.gz"]
    checksum: "sha512:82b15278..."
    format: gzip
    cache: ~/.cache/dpuk-node/artifacts
  delegate_to: localhost
"""

RETURN = r"""
path: {description: The verified file. In check mode it may not exist yet., type: str, returned: success}
present: {description: Whether the file is there now., type: bool, returned: success}
source: {description: The path or URL that it came from or would come from., type: str, returned: success}
size: {description: Bytes of the file; 0 when it is not there., type: int, returned: success}
"""


MAGIC = {
    "zip": (b"PK\x03\x04", "a zip archive (.zip, .jar, .war)"),
    "gzip": (b"\x1f\x8b", "a gzip archive (.tar.gz)"),
    "xz": (b"\xfd7zXZ\x00", "an xz archive (.tar.xz)"),
}
DIGEST_LENGTH = {"sha256": 64, "sha512": 128}
BLOCK = 1 << 20
HEAD = 512  # bytes that tell one format from another


class ArtifactError(Exception):
    """One sentence for the person at the terminal."""


def parse_checksum(checksum: str) -> tuple[str, str]:
    """Split ``sha256:HEX`` into algorithm and lower-case digest; anything else is an error."""
    algorithm, _, digest = checksum.strip().partition(":")
    digest = digest.lower()
    if algorithm not in DIGEST_LENGTH or not re.fullmatch(r"[0-9a-f]+", digest):
        raise ArtifactError(f"checksum must read sha256:HEX or sha512:HEX, not '{checksum}'")
    if len(digest) != DIGEST_LENGTH[algorithm]:
        raise ArtifactError(f"a {algorithm} has {DIGEST_LENGTH[algorithm]} digits, this checksum has {len(digest)}")
    return algorithm, digest


def is_url(source: str) -> bool:
    """Whether the source is fetched rather than read."""
    return source.lower().startswith(("http://", "https://"))


def check_head(head: bytes, kind: str, source: str) -> None:
    """Refuse a file whose first bytes (``HEAD`` suffice) are not those of its format; name HTML for what it is."""
    if not head:
        raise ArtifactError(f"{source} is empty")
    if kind == "any":
        return
    magic, words = MAGIC[kind]
    if head.startswith(magic):
        return
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        raise ArtifactError(
            f"this is an HTML page, not {words}: see {source} in a browser; "
            "usually the file has moved, or a login or proxy page was saved in its place"
        )
    raise ArtifactError(f"this is not {words}, its first bytes are {head[:8].hex(' ')}: see {source}")


def digest_of(path: Path, algorithm: str) -> str:
    """Hex digest of a file, read in blocks."""
    summer = hashlib.new(algorithm)
    with path.open("rb") as handle:
        while block := handle.read(BLOCK):
            summer.update(block)
    return summer.hexdigest()


def verify(path: Path, kind: str, checksum: tuple[str, str], source: str) -> None:
    """Magic bytes first (that message helps more), then the checksum."""
    with path.open("rb") as handle:
        check_head(handle.read(HEAD), kind, source)
    algorithm, wanted = checksum
    found = digest_of(path, algorithm)
    if found != wanted:
        raise ArtifactError(
            f"{source} has {algorithm} {found}, but {wanted} is wanted: wrong version, or a damaged copy"
        )


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the cache entry, so that two hosts' tasks do not fetch the same file at once."""
    with path.with_name(f".{path.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def opened(url: str, timeout: int) -> Any:
    """The answer to a GET; the caller closes it."""
    return open_url(url, timeout=timeout, http_agent="dpuk-node", follow_redirects="all")


def download(url: str, target: Path, timeout: int) -> None:
    """Write the answer to ``target``; the caller verifies and renames it."""
    with opened(url, timeout) as answer, target.open("wb") as out:
        while block := answer.read(BLOCK):
            out.write(block)
        out.flush()
        os.fsync(out.fileno())


def first_that_works(urls: list[str], attempt: Callable[[str], None], entry: Path, checksum: tuple[str, str]) -> str:
    """Try each URL in turn and return the one that succeeded; raise what all of them said."""
    failures, unreached = [], False
    for url in urls:
        try:
            attempt(url)
            return url
        except ArtifactError as error:
            failures.append(str(error))
        except Exception as error:  # noqa: BLE001, RUF100 - open_url raises many kinds
            failures.append(f"{url}: {error}")
            unreached = True
    by_hand = (
        f". Without network: on a machine that has it, type: curl -fLo {entry.name} {urls[0]} "
        f"and put the file at {entry} on this one ({':'.join(checksum)})"
    )
    raise ArtifactError("; ".join(failures) + (by_hand if unreached else ""))


def fetch(urls: list[str], entry: Path, kind: str, checksum: tuple[str, str], timeout: int) -> str:
    """Fill one cache entry from the first URL that gives the right bytes; return that URL."""
    part = entry.with_name(f"{entry.name}.part")

    def attempt(url: str) -> None:
        try:
            download(url, part, timeout)
            verify(part, kind, checksum, url)
            part.replace(entry)
        finally:
            part.unlink(missing_ok=True)

    return first_that_works(urls, attempt, entry, checksum)


def foresee(urls: list[str], entry: Path, kind: str, checksum: tuple[str, str], timeout: int) -> str:
    """The URL that a download would come from, by its first bytes alone: nothing is written."""

    def attempt(url: str) -> None:
        with opened(url, timeout) as answer:
            check_head(answer.read(HEAD), kind, url)

    return first_that_works(urls, attempt, entry, checksum)


def unfit_copy(entry: Path, kind: str, checksum: tuple[str, str]) -> str | None:
    """None when the cache has the right file; else what is wrong with the copy there, empty when there is none."""
    if not entry.is_file():
        return ""
    try:
        verify(entry, kind, checksum, str(entry))
    except ArtifactError as error:
        return f"the copy in the cache cannot be used ({error})"
    return None


def obtain(
    sources: list[str], checksum_text: str, kind: str, cache: Path, name: str | None, timeout: int, check_mode: bool
) -> dict[str, Any]:
    """Return ``{path, present, source, changed}`` for the first source that gives the wanted bytes.

    Raises ``ArtifactError`` when a local file is wrong, or when no source gives the file.
    """
    try:
        checksum = parse_checksum(checksum_text)
    except ArtifactError as error:
        raise ArtifactError(f"{', '.join(sources) or name}: {error}") from error
    urls = [source for source in sources if is_url(source)]
    paths = [Path(source).expanduser() for source in sources if not is_url(source)]
    for path in paths:
        if path.is_file():
            verify(path, kind, checksum, str(path))
            return {"path": str(path), "present": True, "source": str(path), "changed": False}
    if not urls:
        raise ArtifactError(f"no such file on this machine: {', '.join(map(str, paths)) or '(no source was given)'}")
    entry = cache / (name or Path(urlsplit(urls[0]).path).name)
    if not entry.parent.is_dir() and not check_mode:
        entry.parent.mkdir(parents=True, exist_ok=True)
    cached = {"path": str(entry), "present": True, "source": str(entry), "changed": False}
    unfit = unfit_copy(entry, kind, checksum)
    if unfit is None:
        return cached
    try:
        if check_mode:
            source = foresee(urls, entry, kind, checksum, timeout)
            return {"path": str(entry), "present": False, "source": source, "changed": True}
        with locked(entry):
            # Another task may have fetched it while this one waited for the lock.
            if unfit_copy(entry, kind, checksum) is None:
                return cached
            source = fetch(urls, entry, kind, checksum, timeout)
    except ArtifactError as error:
        raise ArtifactError(f"{unfit}; {error}" if unfit else str(error)) from error
    return {"path": str(entry), "present": True, "source": source, "changed": True}


def main() -> None:
    """Read the options, obtain the file, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "list", "elements": "str", "required": True},
            "checksum": {"type": "str", "required": True},
            "format": {"type": "str", "choices": [*MAGIC, "any"], "default": "any"},
            "cache": {"type": "path", "required": True},
            "name": {"type": "str"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    options = module.params
    try:
        result = obtain(
            options["src"],
            options["checksum"],
            options["format"],
            Path(options["cache"]),
            options["name"],
            options["timeout"],
            module.check_mode,
        )
    except (ArtifactError, OSError) as error:
        module.fail_json(msg=str(error))
    result["size"] = Path(result["path"]).stat().st_size if result["present"] else 0
    if result["changed"]:
        verb = "would download" if module.check_mode else "downloaded"
        result["msg"] = f"{verb} {result['source']} to {result['path']}"
        result["diff"] = {"before": "", "after": result["msg"] + "\n"}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
