"""The server under load: the practice XNAT as a process of its own, and what the kernel says about that process."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

PASSWORD = "of the bench"
Body = bytes | Iterable[bytes] | None
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_TESTS = Path(__file__).parents[1]


class BenchError(Exception):
    """The server gave an answer that it must not give; no figure is worth anything then."""


class Client:
    """One keep-alive connection with a session's cookie, as a client that uploads many files has it."""

    def __init__(self, url: str, login: str = "admin", password: str = PASSWORD) -> None:
        self._http = HTTPConnection(urlsplit(url).netloc, timeout=600)
        token = b64encode(f"{login}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}
        self._headers = {"Cookie": f"JSESSIONID={self.send('GET', '/data/JSESSION').decode()}"}

    def close(self) -> None:
        self._http.close()

    def request(
        self, method: str, path: str, body: Body = None, headers: Mapping[str, str] = _NO_HEADERS
    ) -> HTTPResponse:
        """The answer, its body unread. Raises BenchError unless the status is 200 or 201."""
        self._http.request(method, path, body, {**self._headers, **headers})
        answer = self._http.getresponse()
        if answer.status not in {200, 201}:
            raise BenchError(f"{method} {path} answers {answer.status} {answer.reason}: {answer.read(500)!r}")
        return answer

    def send(self, method: str, path: str, body: Body = None, headers: Mapping[str, str] = _NO_HEADERS) -> bytes:
        """The body of the answer."""
        return self.request(method, path, body, headers).read()


@dataclass(frozen=True)
class Practice:
    """A running server: where it and its data are, and how much memory and processor time its process has used."""

    url: str
    pid: int
    data: Path

    def client(self, login: str = "admin") -> Client:
        return Client(self.url, login)

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def forget_peak(self) -> None:
        """Start the peak of resident memory anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # 5: see proc(5), "Reset the peak resident set size"

    @property
    def peak_megabytes(self) -> float:
        """The most memory that was resident since `forget_peak`."""
        status = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """Processor time of a process in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(data: Path) -> Iterator[Practice]:
    """The practice XNAT on the data in this folder, stopped at the end; its log is `server.log` in there."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "server.log").open("w") as log:
        # Its input ends with this process, however that ends, and then so does the server.
        command = [sys.executable, "-m", "xnat_twin", "--port", "0", "--data", str(data), "--stop-at-end-of-input"]
        environment = {**os.environ, "PYTHONPATH": str(_TESTS), "XNAT_TWIN_ADMIN_PASSWORD": PASSWORD}
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=log, text=True) as process:
            assert process.stdout is not None
            try:
                _, found, rest = process.stdout.readline().partition(" at ")
                if not found:
                    raise BenchError(f"the server did not start: {(data / 'server.log').read_text()}")
                yield Practice(rest.partition(",")[0], process.pid, data)
            finally:
                process.terminate()
