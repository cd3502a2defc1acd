"""How a file travels: streamed with its length, an empty one as a form, and retried only after a look at the list."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from ansible.module_utils.xnat import local
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.bodies import FileBody
from ansible.module_utils.xnat.delivery import Upload
from ansible.module_utils.xnat.errors import ConnectError, InputError, RequestError, VerificationError
from ansible.module_utils.xnat.plan import Action, Labels, Listing, LocalFile, StoredFile
from ansible.module_utils.xnat.session import Session
from ansible.module_utils.xnat.transfer import stored_md5
from client_wire import LOGIN, Wire

Connect = Callable[..., Session]
HELLO = "5d41402abc4b2a76b9719d911017c592"


@pytest.fixture
def file(tmp_path: Path) -> LocalFile:
    (tmp_path / "a b.txt").write_bytes(b"hello")
    (found,) = local.collect([str(tmp_path / "a b.txt")], None)
    return found


def upload(session: Session, *listings: Listing, overwrite: str = "different") -> Upload:
    left = list(listings)
    return Upload(session, Address("p", resource="R"), Labels("NIFTI"), overwrite, lambda: left.pop(0))


def there(file: LocalFile, digest: str | None = HELLO, size: int = 5) -> Listing:
    return Listing((StoredFile(file.name, size, digest),))


def test_a_file_is_sent_with_its_length_and_type(wire: Wire, connect: Connect, file: LocalFile) -> None:
    wire.replies += [LOGIN, (200, ""), (200, "")]
    with connect() as session:
        (result,) = upload(session, there(file)).run([Action("created", file.name, "new", file)])
    assert wire.requests[1] == "PUT /data/projects/p/resources/R/files/a%20b.txt?inbody=true&format=NIFTI"
    assert wire.sent[1][2] == b"hello"
    assert wire.headers[1]["Content-Length"] == "5"
    assert wire.headers[1]["Content-Type"] == "application/octet-stream"
    assert "Transfer-Encoding" not in wire.headers[1]
    assert (result["digest"], result["size"]) == (HELLO, 5)


def test_an_empty_file_is_sent_as_a_form(wire: Wire, connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (file,) = local.collect([str(tmp_path / "empty")], None, allow_empty=True)
    wire.replies += [LOGIN, (200, ""), (200, "")]
    with connect() as session:
        upload(session, there(file, "d41d8cd98f00b204e9800998ecf8427e", 0)).run(
            [Action("created", "empty", "new", file)]
        )
    assert wire.headers[1]["Content-Type"].startswith("multipart/form-data; boundary=")
    assert "inbody" not in wire.requests[1]


def test_no_more_is_sent_than_was_planned(wire: Wire, connect: Connect, file: LocalFile) -> None:
    with Path(file.path).open("ab") as stream:
        stream.write(b" and more")
    wire.replies += [LOGIN, (200, ""), (200, "")]
    with connect() as session, pytest.raises(VerificationError, match="changed while it was being sent"):
        upload(session).run([Action("created", file.name, "new", file)])
    assert wire.sent[1][2] == b"hello"


def test_a_broken_connection_is_repeated_from_the_beginning(wire: Wire, connect: Connect, file: LocalFile) -> None:
    wire.replies += [LOGIN, requests.ConnectionError("reset"), (200, ""), (200, "")]
    with connect() as session:
        upload(session, Listing(), there(file)).run([Action("created", file.name, "new", file)])
    assert [body for _, _, body in wire.sent[1:3]] == [b"hello"] * 2
    # The broken attempt may have left a part on the disk, which only overwrite gets past.
    assert ["overwrite=true" in request for request in wire.requests[1:3]] == [False, True]


def test_without_leave_to_replace_a_repetition_first_asks_what_is_there(
    wire: Wire, connect: Connect, file: LocalFile
) -> None:
    duplicate = (200, '{"duplicates": ["a b.txt"]}')
    wire.replies += [LOGIN, requests.ConnectionError("reset"), duplicate, (200, ""), (200, "")]
    with connect() as session:
        upload(session, Listing(), Listing(), there(file), overwrite="never").run(
            [Action("created", file.name, "new", file)]
        )
    # Only when XNAT says that a file is on its disk, and the list says that it is nobody's.
    assert ["overwrite=true" in request for request in wire.requests[1:4]] == [False, False, True]


def test_a_lost_conflict_is_repeated_with_overwrite(wire: Wire, connect: Connect, file: LocalFile) -> None:
    conflict = (500, "<h3>Another thread or process modified catalog.xml</h3>")
    wire.replies += [LOGIN, conflict, (200, ""), (200, "")]
    with connect() as session:
        upload(session, Listing(), there(file)).run([Action("created", file.name, "new", file)])
    assert ["overwrite=true" in request for request in wire.requests[1:3]] == [False, True]


def test_a_connection_that_stays_broken_ends_with_what_is_missing(
    wire: Wire, connect: Connect, file: LocalFile
) -> None:
    wire.replies += [LOGIN, *[requests.ConnectionError("reset")] * 4, (200, "")]
    with connect() as session, pytest.raises(ConnectError, match=r"broke.*Not done: a b.txt") as caught:
        upload(session, *[Listing()] * 5).run([Action("created", file.name, "new", file)])
    assert caught.value.details == {"files": [], "not_done": ["a b.txt"], "changed": False}


@pytest.mark.parametrize("status", [400, 403, 404, 413, 500])
def test_a_refusal_is_not_repeated(wire: Wire, connect: Connect, file: LocalFile, status: int) -> None:
    wire.replies += [LOGIN, (status, "no"), (200, "")]
    with connect() as session, pytest.raises(RequestError, match=f"answered {status}"):
        upload(session).run([Action("created", file.name, "new", file)])
    assert len(wire.sent) == 3


def test_a_server_that_always_says_duplicate_ends(wire: Wire, connect: Connect, file: LocalFile) -> None:
    wire.replies += [LOGIN, *[(200, '{"duplicates": ["a b.txt"]}')] * 4, (200, "")]
    with connect() as session, pytest.raises(VerificationError, match="even with overwrite"):
        upload(session, *[Listing()] * 5).run([Action("created", file.name, "new", file)])


@pytest.mark.parametrize("size", [4, None])
def test_a_stored_size_that_differs_is_an_error(
    wire: Wire, connect: Connect, file: LocalFile, size: int | None
) -> None:
    # Where the size tells nothing, what is there is read back: a listed MD5 may be of what was there before.
    wire.replies += [LOGIN, (200, ""), *([] if size else [(200, "other")]), (200, "")]
    listing = Listing((StoredFile(file.name, size, "0" * 32),))
    theirs = hashlib.md5(b"other", usedforsecurity=False).hexdigest()
    message = "4 bytes instead of 5" if size else f"MD5 {theirs} instead of"
    with connect() as session, pytest.raises(VerificationError, match=message):
        upload(session, listing, listing).run([Action("created", file.name, "new", file)])


def test_an_expired_session_in_the_middle_sends_the_whole_file_again(
    wire: Wire, connect: Connect, file: LocalFile
) -> None:
    wire.replies += [LOGIN, (401, ""), LOGIN, (200, ""), (200, "")]
    with connect() as session:
        upload(session, there(file)).run([Action("created", file.name, "new", file)])
    assert wire.sent[3][2] == b"hello"


def test_a_file_that_disappears_before_it_is_sent(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*gone"):
        FileBody(LocalFile("gone", str(tmp_path / "gone"), 5, 0)).arguments()


@pytest.mark.parametrize("size", [1, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024 + 5])
@pytest.mark.parametrize("at_once", [1000_003, 256 * 1024, 8 * 1024 * 1024])
def test_a_large_file_is_hashed_beside_and_is_known_with_its_last_byte(tmp_path: Path, size: int, at_once: int) -> None:
    content, path = os.urandom(size), tmp_path / "large"
    path.write_bytes(content)
    body, sent = FileBody(LocalFile("large", str(path), size, 0)), b""
    reader = body.arguments()["data"]
    while len(sent) < size:  # whoever sends asks for nothing after the last byte
        sent += reader.read(at_once)
    assert sent == content
    assert body.digests == {"large": hashlib.md5(content, usedforsecurity=False).hexdigest()}


def test_a_large_file_that_broke_off_leaves_no_thread_and_is_sent_from_its_beginning(tmp_path: Path) -> None:
    content, path = os.urandom(3 * 1024 * 1024), tmp_path / "large"
    path.write_bytes(content)
    body = FileBody(LocalFile("large", str(path), len(content), 0))
    broken = body.arguments()["data"]
    broken.read(1024 * 1024)
    del broken
    assert body.digests == {}
    assert body.arguments()["data"].read() == content
    assert body.digests == {"large": hashlib.md5(content, usedforsecurity=False).hexdigest()}
    deadline = time.monotonic() + 10
    while any(thread.name.startswith("xnat-md5") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_file_that_cannot_be_read_to_its_end(
    wire: Wire, connect: Connect, file: LocalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad disk or a lost network drive is not the server's fault, and no reason to try again."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "open", lambda *_: Broken())
    wire.replies += [LOGIN, (200, "")]
    with connect() as session, pytest.raises(InputError, match=r"cannot read .* to its end: Input/output error"):
        upload(session).run([Action("created", file.name, "new", file)])


def test_a_download_that_is_not_what_is_listed_proves_nothing(wire: Wire, connect: Connect) -> None:
    """A login page or a half file answers 200 as well."""
    wire.replies += [LOGIN, (200, "<html>"), (200, "hello"), (200, "")]
    with connect() as session:
        with pytest.raises(VerificationError, match="XNAT lists 5 bytes and delivers 6"):
            stored_md5(session, Address("p", resource="R"), StoredFile("a", 5, None))
        assert stored_md5(session, Address("p", resource="R"), StoredFile("a", 5, None)) == HELLO
