"""What a person sees of an upload that runs: on a terminal, in a file, from several hosts, and when interrupted."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
BAR = re.compile(r"xnat_upload \[#*\.*\] ")

# What the real module does, without a server: it tells of two files and comes back with totals.
MODULE = """#!/usr/bin/python
import time
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.xnat.progress import Progress

class File:
    action = "sent"

module = AnsibleModule({"seconds": {"type": "float"}, "fail": {"type": "bool"}}, supports_check_mode=True)
progress = Progress()
progress.start(2, 2_000_000)
for _ in range(10):
    time.sleep(module.params["seconds"] / 10)
    progress.sent(200_000)
for _ in range(2):
    progress.done(File())
time.sleep(0.3)
progress.end()
totals = {"files": 2, "sent": 2, "bytes_sent": 2_000_000, "seconds": module.params["seconds"]}
if module.params["fail"]:
    module.fail_json(msg="nothing listens", totals=totals)
module.exit_json(changed=True, totals=totals)
"""


@dataclass
class Book:
    """A playbook with one task, and ansible-playbook on it."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "library").mkdir()
        (self.folder / "library" / "xnat_upload.py").write_text(MODULE)

    def command(self, seconds: float, *, hosts: int = 1, items: int = 1, fail: bool = False) -> list[str]:
        (self.folder / "hosts").write_text(
            "".join(
                f"h{n} ansible_connection=local ansible_python_interpreter={sys.executable}\n" for n in range(hosts)
            )
        )
        task: dict[str, Any] = {"xnat_upload": {"seconds": seconds, "fail": fail}}
        if items > 1:
            task["loop"] = list(range(items))
        play = [{"hosts": "all", "gather_facts": False, "tasks": [task]}]
        (self.folder / "book.yml").write_text(json.dumps(play))
        program = str(Path(sys.executable).parent / "ansible-playbook")
        return [program, "-i", str(self.folder / "hosts"), str(self.folder / "book.yml")]

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE", "XNAT"))},
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_LIBRARY": str(self.folder / "library"),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
            "TERM": "xterm",
            **more,
        }

    def left_behind(self) -> list[Path]:
        return list((self.folder / "tmp").rglob("xnat-progress-*"))

    def plain(self, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environment(**environment), capture_output=True, text=True, cwd=ROOT, check=False
        )

    def on_terminal(
        self, command: list[str], when: Callable[[str, int], None] | None = None, **environment: str
    ) -> tuple[int, str]:
        """Run it on a terminal of 120 columns; `when` gets what was shown so far, and the process, at each piece."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
        process = subprocess.Popen(
            command,
            env=self.environment(**environment),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            close_fds=True,
        )
        os.close(theirs)
        shown = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
            if when:
                when(shown.decode(errors="replace"), process.pid)
        os.close(ours)
        return process.wait(10), shown.decode()


def screen(shown: str) -> list[str]:
    """What is left on the screen: lines, with what was overwritten or removed gone."""
    lines, column = [""], 0
    for piece in re.findall(r"\x1b\[2K|\r|\n|[^\r\n\x1b]+|\x1b", shown):
        if piece == "\x1b[2K":
            lines[-1] = ""
        elif piece == "\r":
            column = 0
        elif piece == "\n":
            lines.append("")
            column = 0
        else:
            text = lines[-1].ljust(column)
            lines[-1] = text[:column] + piece + text[column + len(piece) :]
            column += len(piece)
    return lines


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def test_on_a_terminal_one_line_is_redrawn_and_removed(book: Book) -> None:
    code, shown = book.on_terminal(book.command(2.5))
    assert code == 0, shown
    bars = [int(done) for done in re.findall(r"(\d)/2 files", shown)]
    assert len(bars) >= 4
    sizes = re.findall(r"([\d.]+ [kM]B) of 2\.0 MB", shown)
    assert len(set(sizes)) >= 3
    assert re.search(r"[kM]B/s, 0:0\d left", shown)
    left = screen(shown)
    assert not any(BAR.search(text) for text in left)
    assert "changed: [h0]" in left
    assert re.search(r"^h0: 2 files \(2 sent\), 2\.0 MB sent in 0:03 \(800\.0 kB/s\)$", "\n".join(left), re.MULTILINE)
    assert book.left_behind() == []


def test_check_mode_has_no_totals_of_what_was_sent(book: Book) -> None:
    command = book.command(0.2)
    assert "MB sent" in book.plain(command, XNAT_PROGRESS_DELAY="0").stderr
    checked = book.plain([*command, "--check"], XNAT_PROGRESS_DELAY="0")
    assert checked.returncode == 0
    assert "MB sent" not in checked.stdout + checked.stderr


def test_hosts_and_items_at_once_are_one_line_with_their_sums(book: Book) -> None:
    code, shown = book.on_terminal(book.command(1.5, hosts=2, items=2))
    assert code == 0, shown
    # Two at a time, then the second item of each: four processes in all.
    assert "/4 files" in shown
    assert "/8 files" in shown
    left = screen(shown)
    assert not any(BAR.search(text) for text in left)
    assert sum(text.startswith("changed: [h") for text in left) == 4
    assert [text[:10] for text in left if re.match(r"h\d \d of 2: 2 files", text)]


def test_a_quick_task_shows_nothing(book: Book) -> None:
    # Quick is what ends before the delay is over; a long one, since a busy machine needs seconds to start a module.
    code, shown = book.on_terminal(book.command(0.1), XNAT_PROGRESS_DELAY="60")
    assert code == 0, shown
    assert "files" not in shown
    assert "\x1b[2K" not in shown


def test_without_a_terminal_plain_lines_go_to_stderr(book: Book) -> None:
    run = book.plain(book.command(2.5), XNAT_PROGRESS_INTERVAL="0.5")
    assert run.returncode == 0, run.stderr
    lines = run.stderr.splitlines()
    assert 2 <= sum(text.startswith("xnat_upload: 0/2 files, ") for text in lines) <= 6
    assert lines[-1].startswith("h0: 2 files (2 sent), 2.0 MB sent")
    assert "\x1b" not in run.stderr
    assert "files" not in run.stdout


def test_without_a_terminal_and_in_less_than_the_interval_there_is_only_the_last_line(book: Book) -> None:
    run = book.plain(book.command(1.5))
    assert [text for text in run.stderr.splitlines() if "files" in text] == [
        "h0: 2 files (2 sent), 2.0 MB sent in 0:02 (1.3 MB/s)"
    ]


def test_what_a_program_reads_is_untouched(book: Book) -> None:
    run = book.plain(book.command(1.5), ANSIBLE_STDOUT_CALLBACK="ansible.posix.json", XNAT_PROGRESS_INTERVAL="0.3")
    result = json.loads(run.stdout)["plays"][0]["tasks"][0]["hosts"]["h0"]
    assert result["totals"]["files"] == 2
    assert "module_stdout" not in result
    assert "warnings" not in result


def test_a_failure_says_what_was_done(book: Book) -> None:
    run = book.plain(book.command(1.5, fail=True))
    assert run.returncode == 2
    assert "h0: 2 files (2 sent)" in run.stderr
    assert book.left_behind() == []


def test_ctrl_c_leaves_neither_a_line_nor_a_folder(book: Book) -> None:
    sent: list[int] = []

    def interrupt(shown: str, process: int) -> None:
        if not sent and BAR.search(shown):
            assert len(book.left_behind()) == 1
            assert book.left_behind()[0].stat().st_mode & 0o777 == 0o700
            sent.append(process)
            os.kill(process, signal.SIGINT)

    code, shown = book.on_terminal(book.command(30), when=interrupt)
    assert sent
    assert code != 0
    assert not any(BAR.search(text) for text in screen(shown))
    assert book.left_behind() == []


def test_a_file_that_the_user_named_is_left_to_the_user(book: Book) -> None:
    own = book.folder / "own.json"
    run = book.plain(book.command(1.5), XNAT_PROGRESS_FILE=str(own), XNAT_PROGRESS_INTERVAL="0.3")
    assert run.returncode == 0, run.stderr
    assert json.loads(own.read_text())["ended"] is True
    assert "xnat_upload:" not in run.stderr
