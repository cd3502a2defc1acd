"""artifact_file gives the right bytes or one clear sentence, and never leaves half a file under the final name."""

from __future__ import annotations

import gzip
import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from roles_tree import load_module

artifact_file = load_module("roles/artifact/library/artifact_file.py")


def make_war() -> bytes:
    """A small zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr("WEB-INF/web.xml", "<web-app/>" * 50)
    return buffer.getvalue()


WAR = make_war()
SUM = "sha256:" + hashlib.sha256(WAR).hexdigest()


class Mirror:
    """A web server on loopback whose answers a test sets: path -> body; what is not set is 404."""

    def __init__(self) -> None:
        """Start it on a free port."""
        self.bodies: dict[str, bytes] = {}
        self.short: set[str] = set()
        self.requests: list[str] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.requests.append(self.path)
                body = mirror.bodies.get(self.path)
                if body is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if self.path in mirror.short else body)

            def log_message(self, *_: Any) -> None:
                """Keep the test output quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering: from now on there is no network."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    """A web server for one test."""
    served = Mirror()
    served.bodies["/xnat.war"] = WAR
    yield served
    served.close()


def obtain(sources: list[str], cache: Path, **other: Any) -> dict[str, Any]:
    """Call the module's one function with the options that most tests share."""
    options = {"checksum_text": SUM, "kind": "zip", "name": None, "timeout": 5, "check_mode": False, **other}
    result: dict[str, Any] = artifact_file.obtain(sources, cache=cache, **options)
    return result


def test_a_url_is_fetched_once_and_then_read_from_the_cache(mirror: Mirror, tmp_path: Path) -> None:
    """The second host, and the second run, need no network."""
    first = obtain([f"{mirror.url}/xnat.war"], tmp_path / "cache")
    second = obtain([f"{mirror.url}/xnat.war"], tmp_path / "cache")
    assert (first["changed"], second["changed"]) == (True, False)
    assert Path(second["path"]).read_bytes() == WAR
    assert mirror.requests == ["/xnat.war"]


def test_cache_serves_without_network(mirror: Mirror, tmp_path: Path) -> None:
    """An admin may carry the file over by hand."""
    (tmp_path / "xnat.war").write_bytes(WAR)
    mirror.close()
    assert obtain([f"{mirror.url}/xnat.war"], tmp_path)["changed"] is False


def test_no_cache_and_no_network_says_what_to_type(mirror: Mirror, tmp_path: Path) -> None:
    """The message holds a command, the place for the file and its checksum."""
    mirror.close()
    with pytest.raises(artifact_file.ArtifactError) as error:
        obtain([f"{mirror.url}/xnat.war"], tmp_path)
    message = str(error.value)
    assert f"curl -fLo xnat.war {mirror.url}/xnat.war" in message
    assert str(tmp_path / "xnat.war") in message
    assert SUM in message


@pytest.mark.parametrize("position", [0, len(WAR) // 2, len(WAR) - 1])
def test_one_flipped_byte_is_refused(tmp_path: Path, position: int) -> None:
    """At the start, in the middle, at the end; the local file stays as it is."""
    wrong = bytearray(WAR)
    wrong[position] ^= 1
    path = tmp_path / "xnat.war"
    path.write_bytes(wrong)
    with pytest.raises(artifact_file.ArtifactError, match=r"xnat\.war"):
        obtain([str(path)], tmp_path / "cache")
    assert path.read_bytes() == bytes(wrong)


def test_a_flipped_byte_in_the_cache_is_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    """The cache is ours to repair."""
    (tmp_path / "xnat.war").write_bytes(WAR[:-1] + b"\1")
    result = obtain([f"{mirror.url}/xnat.war"], tmp_path)
    assert result["changed"] is True
    assert (tmp_path / "xnat.war").read_bytes() == WAR


def test_a_download_with_wrong_bytes_leaves_nothing(mirror: Mirror, tmp_path: Path) -> None:
    """Neither a file under the final name nor a part of one."""
    mirror.bodies["/xnat.war"] = WAR[:-1] + b"\1"
    with pytest.raises(artifact_file.ArtifactError, match="is wanted"):
        obtain([f"{mirror.url}/xnat.war"], tmp_path)
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == []


def test_a_broken_off_download_leaves_nothing(mirror: Mirror, tmp_path: Path) -> None:
    """The connection ends after half of the bytes."""
    mirror.short.add("/xnat.war")
    with pytest.raises(artifact_file.ArtifactError):
        obtain([f"{mirror.url}/xnat.war"], tmp_path)
    assert not (tmp_path / "xnat.war").exists()
    assert not (tmp_path / "xnat.war.part").exists()


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>moved", b"\xef\xbb\xbf\n <HTML>", b"<html><title>Log in</title>"])
def test_an_html_page_is_called_by_its_name(mirror: Mirror, tmp_path: Path, page: bytes) -> None:
    """Even when its checksum is the recorded one: somebody summed the error page."""
    mirror.bodies["/xnat.war"] = page
    checksum = "sha256:" + hashlib.sha256(page).hexdigest()
    with pytest.raises(artifact_file.ArtifactError, match=rf"HTML page, not a zip archive.*{mirror.url}/xnat\.war"):
        obtain([f"{mirror.url}/xnat.war"], tmp_path, checksum_text=checksum)


def test_another_format_is_refused(tmp_path: Path) -> None:
    """A tar.gz is not a WAR."""
    path = tmp_path / "x.war"
    path.write_bytes(gzip.compress(b"x"))
    with pytest.raises(artifact_file.ArtifactError, match="not a zip archive"):
        obtain([str(path)], tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """With the checksum of nothing, too."""
    path = tmp_path / "x.war"
    path.touch()
    with pytest.raises(artifact_file.ArtifactError, match="is empty"):
        obtain([str(path)], tmp_path, checksum_text="sha256:" + hashlib.sha256(b"").hexdigest())


def test_the_next_source_is_tried(mirror: Mirror, tmp_path: Path) -> None:
    """A path that is not there, then a URL that gives 404, then one that works."""
    sources = [str(tmp_path / "absent.war"), f"{mirror.url}/gone.war", f"{mirror.url}/xnat.war"]
    result = obtain(sources, tmp_path / "cache")
    assert result["source"] == f"{mirror.url}/xnat.war"
    assert Path(result["path"]).name == "gone.war"


def test_a_missing_local_file_is_named(tmp_path: Path) -> None:
    """No URL to fall back on."""
    with pytest.raises(artifact_file.ArtifactError, match=r"no such file on this machine: .*absent\.war"):
        obtain([str(tmp_path / "absent.war")], tmp_path)


def test_check_mode_downloads_nothing(mirror: Mirror, tmp_path: Path) -> None:
    """It says that it would, and from where."""
    result = obtain([f"{mirror.url}/xnat.war"], tmp_path / "cache", check_mode=True)
    assert result == {
        "path": str(tmp_path / "cache" / "xnat.war"),
        "present": False,
        "source": f"{mirror.url}/xnat.war",
        "changed": True,
    }
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "cache").exists()


def test_check_mode_finds_what_the_real_run_would_stumble_over(mirror: Mirror, tmp_path: Path) -> None:
    """A page in place of the file and a URL that answers nothing, in the words of the real run."""
    mirror.bodies["/page.war"] = b"<!DOCTYPE html><p>Log in"
    for url, words in (("/page.war", "HTML page"), ("/gone.war", "404.*Without network")):
        for check_mode in (True, False):
            with pytest.raises(artifact_file.ArtifactError, match=words):
                obtain([f"{mirror.url}{url}"], tmp_path, check_mode=check_mode)
    assert [path for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == []


def test_a_page_is_not_blamed_on_the_network(mirror: Mirror, tmp_path: Path) -> None:
    """The URL answered; fetching it elsewhere would give the same page."""
    mirror.bodies["/page.war"] = b"<!DOCTYPE html><p>Log in"
    with pytest.raises(artifact_file.ArtifactError) as told:
        obtain([f"{mirror.url}/page.war"], tmp_path)
    assert "Without network" not in str(told.value)


def test_check_mode_refuses_a_wrong_local_file(tmp_path: Path) -> None:
    """A dry run tells the truth."""
    path = tmp_path / "xnat.war"
    path.write_bytes(WAR + b"\0")
    with pytest.raises(artifact_file.ArtifactError, match="is wanted"):
        obtain([str(path)], tmp_path, check_mode=True)


@pytest.mark.parametrize("checksum", ["", "md5:" + "0" * 32, "0" * 64, "sha256:" + "0" * 63, "sha256:" + "g" * 64])
def test_a_checksum_must_be_whole_and_strong(checksum: str) -> None:
    """Required in full: no prefix, no md5, no bare digits."""
    with pytest.raises(artifact_file.ArtifactError):
        artifact_file.parse_checksum(checksum)


def test_many_tasks_share_one_download(mirror: Mirror, tmp_path: Path) -> None:
    """Forks for several hosts ask at once; one fetches, all get the whole file."""
    results: list[dict[str, Any]] = []

    def ask() -> None:
        results.append(obtain([f"{mirror.url}/xnat.war"], tmp_path))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mirror.requests == ["/xnat.war"]
    assert [result["path"] for result in results] == [str(tmp_path / "xnat.war")] * 6
    assert sum(result["changed"] for result in results) == 1
