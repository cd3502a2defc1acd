"""XNAT's contract, section 13: two writers to one catalog, lost answers, and a server that is killed."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from xnat_twin.testing import Session, XnatServer

BINARY = {"Content-Type": "application/octet-stream"}


def _names(api: Session, files: str) -> list[str]:
    return sorted(row["Name"] for row in api.get(files).json()["ResultSet"]["Result"])


@pytest.fixture
def files(api: Session, scan: str) -> str:
    api.put(f"{scan}/resources/R").raise_for_status()
    return f"{scan}/resources/R/files"


@pytest.mark.rule("catalog-conflict", "catalog-conflict-repair")
def test_writer_that_comes_second_gets_500_and_its_file_is_not_catalogued(
    api: Session, xnat: XnatServer, files: str
) -> None:
    """The collision is real: one upload is held open while another one finishes."""
    server = urlsplit(xnat.url)
    kind = http.client.HTTPSConnection if server.scheme == "https" else http.client.HTTPConnection
    slow = kind(server.hostname or "", server.port)
    slow.putrequest("PUT", f"{files}/slow.bin")
    token = b64encode(f"{xnat.admin}:{xnat.password}".encode()).decode()
    for name, value in {**BINARY, "Content-Length": "200000", "Authorization": f"Basic {token}"}.items():
        slow.putheader(name, value)
    slow.endheaders(b"x" * 100_000)
    time.sleep(0.5)  # by now the server has read the catalog and waits for the rest
    assert api.put(f"{files}/quick.bin", data=b"quick", headers=BINARY).status_code == 200
    slow.send(b"x" * 100_000)
    answer = slow.getresponse()
    assert answer.status == 500
    assert b"Another thread or process modified" in answer.read()
    slow.close()
    assert _names(api, files) == ["quick.bin"]

    retried = api.put(f"{files}/slow.bin", data=b"x" * 200_000, headers=BINARY)
    assert retried.json() == {"duplicates": ["slow.bin"]}, "a plain retry leaves the file invisible"
    assert _names(api, files) == ["quick.bin"]
    repaired = api.put(f"{files}/slow.bin", params={"overwrite": "true"}, data=b"x" * 200_000, headers=BINARY)
    assert repaired.status_code == 200
    assert _names(api, files) == ["quick.bin", "slow.bin"]


@pytest.mark.practice_xnat("lets another writer win, once")
@pytest.mark.rule("catalog-conflict", "catalog-conflict-repair")
def test_injected_conflict_is_the_same_conflict(api: Session, xnat: XnatServer, files: str) -> None:
    xnat.faults.conflict_once()
    answer = api.put(f"{files}/a", data=b"a", headers=BINARY)
    assert (answer.status_code, "Another thread or process modified" in answer.text) == (500, True)
    assert api.put(f"{files}/a", data=b"a", headers=BINARY).json() == {"duplicates": ["a"]}
    assert api.put(f"{files}/a", params={"overwrite": "true"}, data=b"a", headers=BINARY).text == ""
    assert _names(api, files) == ["a"]


@pytest.mark.practice_xnat("injects a status")
def test_injected_status_is_given_once_before_or_after_the_work(api: Session, xnat: XnatServer, files: str) -> None:
    xnat.faults.status_once(503, method="PUT")
    assert api.put(f"{files}/a", data=b"a", headers=BINARY).status_code == 503
    assert _names(api, files) == []
    xnat.faults.status_once(502, method="PUT", carry_out=True)
    assert api.put(f"{files}/a", data=b"a", headers=BINARY).status_code == 502
    assert _names(api, files) == ["a"]
    assert api.put(f"{files}/b", data=b"b", headers=BINARY).status_code == 200


@pytest.mark.practice_xnat("starts a server of its own")
def test_process_stops_on_sigterm_and_finds_its_data_again(tmp_path: Path) -> None:
    def start() -> tuple[subprocess.Popen[str], Session]:
        process = subprocess.Popen(
            [sys.executable, "-m", "xnat_twin", "--port", "0", "--data", str(tmp_path)],
            env={**os.environ, "PYTHONPATH": "tests", "XNAT_TWIN_ADMIN_PASSWORD": "of the first start"},
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        api = Session(process.stdout.readline().split(" at ")[1].partition(",")[0])
        api.auth = ("admin", "of the first start")
        return process, api

    def stop(process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0

    process, api = start()
    try:
        path = "/data/projects/P/subjects/S/experiments/E"
        api.put("/data/projects/P").raise_for_status()
        identifier = api.put(path, params={"xsiType": "xnat:mrSessionData"}).text
        api.put(f"{path}/resources/R/files/a.txt", data=b"kept", headers=BINARY)
    finally:
        stop(process)
    process, api = start()
    try:
        assert api.put(path).text == identifier
        assert api.get(f"{path}/resources/R/files/a.txt").content == b"kept"
    finally:
        stop(process)


def test_upload_notices_what_was_changed_between_two_of_them(api: Session, xnat: XnatServer, project: str) -> None:
    """A right that is taken away, a session that is renamed and a resource that is deleted count at once."""
    user, password = xnat.new_user(project, "Members")
    session = f"/data/projects/{project}/subjects/S1/experiments/E1"
    files = f"{session}/resources/R/files"
    api.put(session, params={"xsiType": "xnat:mrSessionData"}).raise_for_status()
    with xnat.session(user, password) as member:
        assert member.put(f"{files}/1", data=b"1", headers=BINARY).text == ""
        assert member.put(f"{files}/2", data=b"2", headers=BINARY).text == ""
        api.delete(f"{session}/resources/R").raise_for_status()
        assert member.put(f"{files}/3", data=b"3", headers=BINARY).text == ""
        assert _names(api, files) == ["3"]
        api.put(f"/data/projects/{project}/users/Collaborators/{user}").raise_for_status()
        assert member.put(f"{files}/4", data=b"4", headers=BINARY).status_code == 200
        assert _names(api, files) == ["3"]
        api.put(f"/data/projects/{project}/users/Members/{user}").raise_for_status()
        api.put(session, params={"label": "E2"}).raise_for_status()
        assert member.put(f"{files}/5", data=b"5", headers=BINARY).status_code == 404
        assert member.put(f"{files.replace('E1', 'E2')}/6", data=b"6", headers=BINARY).text == ""
        assert _names(api, files.replace("E1", "E2")) == ["3", "6"]


def test_each_of_many_writers_to_one_catalog_is_told_whether_it_is_in(
    xnat: XnatServer, api: Session, files: str
) -> None:
    """200 and listed, or 500 and not listed but in the way: nothing else, however many there are at once."""

    def write(writer: int) -> dict[str, int]:
        with xnat.session() as http:
            names = [f"{writer}_{number}" for number in range(6)]
            return {name: http.put(f"{files}/{name}", data=b"x" * 5000, headers=BINARY).status_code for name in names}

    with ThreadPoolExecutor(6) as pool:
        answers = {name: status for some in pool.map(write, range(6)) for name, status in some.items()}
    assert set(answers.values()) <= {200, 500}
    stored = sorted(name for name, status in answers.items() if status == 200)
    assert stored
    assert _names(api, files) == stored
    for name in answers.keys() - set(stored):
        assert api.put(f"{files}/{name}", data=b"y", headers=BINARY).json() == {"duplicates": [name]}
