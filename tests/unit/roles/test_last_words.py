"""A start that fails is told with the lines that say why: of this start, from the right logs, without secrets."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

import pytest
from ansible.module_utils.host import last_words as words


def stamp(moment: float) -> str:
    """A time as XNAT's logs write it."""
    return f"{datetime.fromtimestamp(moment):%Y-%m-%d %H:%M:%S},123"


def test_only_lines_of_this_start_count() -> None:
    """Older ones go with their stack traces; what has no date and continues nothing is kept."""
    now = time.time()
    lines = [
        f"{stamp(now - 60)} [main] ERROR a - old",
        "org.example.OldException: old cause",
        "\tat org.example.Old(Old.java:1)",
        "xnat_twin: cannot start: undated",
        f"{stamp(now)} [main] ERROR a - new",
        "Caused by: new cause",
    ]
    assert words.since(lines, now) == lines[3:]


def test_lines_that_report_an_error_are_chosen_and_traces_are_not() -> None:
    """The last ones, each once, where it was said last."""
    lines = [
        "INFO all is well",
        "ERROR first",
        "\tat java.lang.Error.here(Error.java:1)",
        "Caused by: x",
        "ERROR first",
    ]
    assert words.telling(lines) == ["Caused by: x", "ERROR first"]
    assert words.telling([f"ERROR {number}" for number in range(100)], most=2) == ["ERROR 98", "ERROR 99"]


def test_a_long_line_keeps_its_end_which_names_the_cause() -> None:
    """Spring nests a dozen exceptions in one line; the last is the reason."""
    line = "SEVERE " + "nested exception is " * 200 + "FATAL: password authentication failed for user xnat"
    (told,) = words.telling([line])
    assert len(told) <= words.WIDTH + 5
    assert told.startswith("SEVERE")
    assert told.endswith("FATAL: password authentication failed for user xnat")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("login with hunter22!x refused", "login with *** refused"),
        ("login with a=b refused", "login with *** refused"),
        ("datasource.password=other", "datasource.password=***"),
        ("clientSecret: 'abc'", "clientSecret: ***"),
        ("http://ana:pw@host/x", "http://***@host/x"),
        (
            'FATAL: password authentication failed for user "xnat"',
            'FATAL: password authentication failed for user "xnat"',
        ),
    ],
)
def test_secrets_are_masked(tmp_path: Path, line: str, shown: str) -> None:
    """Those in the files, as they are written there and as they are read, and what is named as one."""
    conf, ini = tmp_path / "xnat-conf.properties", tmp_path / "prefs-init.ini"
    conf.write_text("datasource.username=xnat\ndatasource.password=a\\=b \n")
    ini.write_text("[system]\ndefaultAdminPassword = hunter22!x\n")
    secrets = words.secrets_of([str(conf), str(ini), str(tmp_path / "absent")])
    assert "hunter22!x" in secrets
    assert words.masked(line, [*secrets, "a=b"]) == shown


def test_journal_and_the_newest_logs_are_quoted(tmp_path: Path) -> None:
    """A log that was not written since the start is not, and nor is a password in it."""
    now = time.time()
    (tmp_path / "xdat.log").write_text(f"{stamp(now)} ERROR cannot log in with s3ntinel-pw\n")
    (tmp_path / "old.log").write_text("ERROR long ago\n")
    os.utime(tmp_path / "old.log", (now - 100, now - 100))
    (tmp_path / "conf").write_text("datasource.password=s3ntinel-pw\n")
    said = words.last_words(lambda: "INFO up\nSEVERE gone", [f"{tmp_path}/*.log"], now - 1, [str(tmp_path / "conf")])
    assert said == ["journal: SEVERE gone", f"xdat.log: {stamp(now)} ERROR cannot log in with ***"]


def test_without_an_error_the_end_of_the_journal_is_quoted() -> None:
    """A program that was killed says nothing."""
    assert words.last_words(lambda: "one\ntwo", [], 0) == ["journal: one", "journal: two"]


def test_nothing_but_the_services_own_files_is_quoted(tmp_path: Path) -> None:
    """Not what it has put a link to, nor a pipe that nobody writes to, which would keep root waiting for ever."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (tmp_path / "secret").write_text("ERROR not yours\n")
    (logs / "link.log").symlink_to(tmp_path / "secret")
    (logs / "nowhere.log").symlink_to(tmp_path / "nowhere")
    (logs / "folder.log").mkdir()
    os.mkfifo(logs / "pipe.log")
    os.mkfifo(logs / "busy.log")
    (logs / "own.log").write_text("ERROR mine\n")
    reader = os.open(logs / "busy.log", os.O_RDWR)  # a pipe that somebody has open
    os.write(reader, b"ERROR from a pipe\n")
    assert words.last_words(lambda: "", [f"{logs}/*.log"], 0) == ["own.log: ERROR mine"]
    os.close(reader)


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """XNAT may rename its folder and put a link to another's there."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "x.log").write_text("ERROR not yours\n")
    (tmp_path / "logs").symlink_to(tmp_path / "theirs")
    assert words.last_words(lambda: "", [f"{tmp_path}/logs/*.log", f"{tmp_path}/absent/*.log"], 0) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_quoted(tmp_path: Path) -> None:
    """One that the service could not have written: a hard link, or what a careless hand has moved there."""
    (tmp_path / "x.log").write_text("ERROR not yours\n")
    os.chown(tmp_path / "x.log", 65534, -1)
    assert words.last_words(lambda: "", [f"{tmp_path}/*.log"], 0) == []
    os.chown(tmp_path, 65534, -1)
    assert words.last_words(lambda: "", [f"{tmp_path}/*.log"], 0) == ["x.log: ERROR not yours"]


def test_a_file_that_is_gone_again_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the time it is opened: the reason is told from the others."""
    (tmp_path / "a.log").write_text("ERROR here\n")
    listed = os.listdir

    def one_more(folder: int) -> list[str]:
        return [*listed(folder), "gone.log"]

    monkeypatch.setattr(os, "listdir", one_more)
    assert words.last_words(lambda: "", [f"{tmp_path}/*.log"], 0) == ["a.log: ERROR here"]
