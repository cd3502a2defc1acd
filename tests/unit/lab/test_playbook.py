"""What the lab makes of a playbook's end: its counts, or one line that says what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab import command, playbook
from lab.command import LabError

RECAP = """PLAY RECAP ***
\x1b[0;33mdb\x1b[0m                         : \x1b[0;32mok=20  \x1b[0m changed=3   unreachable=0  failed=0
web                        : ok=30   changed=0   unreachable=0  failed=0
"""


@pytest.fixture
def ansible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for ansible-playbook, beside a stand-in for this Python; tests write its text."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return tmp_path / "ansible-playbook"


def _program(path: Path, printed: str, status: int) -> None:
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}END\nexit {status}\n")
    path.chmod(0o755)


def test_the_recap_is_summed_over_hosts_whatever_its_colours(ansible: Path, tmp_path: Path) -> None:
    _program(ansible, RECAP, 0)
    assert playbook.play("site.yml", log=tmp_path / "log") == playbook.Recap(ok=50, changed=3)
    assert "\x1b" not in (tmp_path / "log").read_text()


def test_a_failed_playbook_names_its_log(ansible: Path, tmp_path: Path) -> None:
    _program(ansible, "fatal: [db]: FAILED!\n", 2)
    with pytest.raises(LabError, match=r"site\.yml failed; its output is in .*log"):
        playbook.play("site.yml", log=tmp_path / "log")


def test_a_failed_command_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LabError, match=r"failed: no such mirror\. Try another\."):
        command.run(["sh", "-c", "echo trying; echo no such mirror; exit 3"], advice="Try another.")
    assert "trying" in capsys.readouterr().out


def test_a_missing_program_is_named() -> None:
    with pytest.raises(LabError, match=r"no-such-program is not installed\. Install it\."):
        command.run(["no-such-program"], advice="Install it.")
