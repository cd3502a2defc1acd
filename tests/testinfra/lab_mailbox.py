"""The organisation's mail relay, played by a machine that is no part of the node: what the hosts' mail comes to."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reach import Host

from lab.settings import NEIGHBOUR, Lab

PORT = 2525
FOLDER = "/tmp/mail-sink"  # noqa: S108 - of a container that is thrown away


@dataclass(frozen=True)
class Mailbox:
    """The messages that have arrived since it was opened."""

    neighbour: Host

    def messages(self) -> list[dict[str, Any]]:
        """All of them, in no order."""
        texts: str = self.neighbour.run(f"cat {FOLDER}/*.json 2>/dev/null").stdout
        decoder, start, found = json.JSONDecoder(), 0, []
        while start < len(texts):
            message, start = decoder.raw_decode(texts, start)
            found.append(message)
        return found

    def empty_once_delivered(self, host: Host) -> None:
        """Throw away what a host has sent so far, also what is on its way."""
        until(lambda: "empty" in host.run("postqueue -p").stdout, lambda: str(host.run("postqueue -p").stdout))
        self.neighbour.run(f"rm -f {FOLDER}/*.json")

    def with_word(self, word: str) -> list[dict[str, Any]]:
        """Those that have a word in their text or headers."""
        return [message for message in self.messages() if word in message["text"]]

    def wait(self, word: str) -> dict[str, Any]:
        """The first one with a word in it, once it is there."""
        until(lambda: bool(self.with_word(word)), lambda: f"no message with {word!r} arrived; {self.messages()}")
        return self.with_word(word)[0]


def until(reached: Callable[[], bool], complaint: Callable[[], str], seconds: float = 60) -> None:
    """Wait for something, but not for ever."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.5)


@contextmanager
def opened(lab: Lab, neighbour: Host, password: str) -> Iterator[Mailbox]:
    """The relay, running and empty."""
    container = lab.container(NEIGHBOUR)
    # One that a test left behind when somebody ended it would keep the port.
    neighbour.run(f"pkill -f [m]ail_sink.py; rm -rf {FOLDER}; mkdir -p {FOLDER}")
    for file in (Path(__file__).with_name("mail_sink.py"), lab.directory / "relay.crt", lab.directory / "relay.key"):
        subprocess.run(["podman", "cp", str(file), f"{container}:{FOLDER}/{file.name}"], check=True)
    command = ["podman", "exec", "-i", container, "python3", f"{FOLDER}/mail_sink.py", str(PORT)]
    command += [f"{FOLDER}/relay.crt", f"{FOLDER}/relay.key", FOLDER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as sink:
        assert sink.stdin is not None
        sink.stdin.write(f"node\n{password}\n")
        sink.stdin.flush()
        try:
            until(lambda: bool(neighbour.file(f"{FOLDER}/ready").exists), lambda: "the relay did not start")
            yield Mailbox(neighbour)
        finally:
            neighbour.run("pkill -f [m]ail_sink.py")
            sink.kill()
