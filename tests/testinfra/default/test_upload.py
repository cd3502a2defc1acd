"""A data manager's playbook against the provisioned node: images go through every layer and arrive byte for byte."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from reach import DATABASE, USER, Client, Host, python, query

from lab import demo, playbook
from lab.settings import Lab

PROJECT = "verify1"
FOLDER = f"/data/xnat/archive/{PROJECT}/arc001/sub001_MRI/SCANS/1/NIFTI"
FILES = f"/data/projects/{PROJECT}/subjects/sub001/experiments/sub001_MRI/scans/1/resources/NIFTI/files"


WAIT = (
    "import time, urllib.request\n"
    "for _ in range(60):\n"
    "    try:\n"
    "        urllib.request.urlopen('http://127.0.0.1:8080/xapi/siteConfig/buildInfo', timeout=5); break\n"
    "    except OSError: time.sleep(1)\n"
    "else: raise SystemExit('XNAT did not answer within 60 s')\n"
)


@pytest.fixture(scope="module")
def recaps(lab: Lab, passwords: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[playbook.Recap]:
    """What the playbook counted when run three times: as a prediction, for real, and again."""
    folder = tmp_path_factory.mktemp("uploads")
    wanted = demo.write_uploads(folder / "uploads.yml", PROJECT)
    account = demo.account(lab, passwords)
    runs: tuple[list[str], ...] = (["--check"], [], [])
    return [
        playbook.play(demo.UPLOADS, ["-e", f"@{wanted}", *more], env=account, log=folder / f"{number}.log")
        for number, more in enumerate(runs)
    ]


def test_the_second_run_changes_nothing(recaps: list[playbook.Recap]) -> None:
    assert [recap.changed > 0 for recap in recaps[1:]] == [True, False]


def test_the_prediction_counts_what_the_real_run_changes(recaps: list[playbook.Recap]) -> None:
    assert recaps[0] == recaps[1]


def test_the_server_reports_the_digests_of_the_images(recaps: list[playbook.Recap], client: Client) -> None:
    rows = client.get(FILES, params={"format": "json"}).json()["ResultSet"]["Result"]
    digests = {path.name: _md5(path.read_bytes()) for path in demo.example_images()}
    assert {row["Name"]: row["digest"] for row in rows} == digests


def test_what_comes_back_through_the_front_door_is_the_same_bytes(recaps: list[playbook.Recap], client: Client) -> None:
    for path in demo.example_images():
        assert client.get(f"{FILES}/{path.name}").content == path.read_bytes()


def test_the_bytes_are_in_the_archive_on_disk_and_belong_to_xnat(recaps: list[playbook.Recap], web: Host) -> None:
    for path in demo.example_images():
        file = web.file(f"{FOLDER}/{path.name}")
        assert (file.user, file.group) == ("xnat", "xnat")
        assert file.mode & 0o007 == 0
        assert file.md5sum == _md5(path.read_bytes())


def test_the_objects_are_in_postgresql_on_the_other_host(recaps: list[playbook.Recap], db: Host) -> None:
    dump = db.run("runuser -u postgres -- pg_dump --data-only %s", DATABASE)
    assert dump.rc == 0, dump.stderr
    assert {"sub001", "sub001_MRI", PROJECT} <= set(dump.stdout.split())
    owners = "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'public'"
    assert query(db, owners) == USER


def test_an_image_of_100_mb_passes_unbuffered(
    recaps: list[playbook.Recap], client: Client, web: Host, tmp_path: Path
) -> None:
    """More than any default limit of nginx and Tomcat, and nothing of it is left in a temporary folder on the way."""
    image = tmp_path / "large.nii"
    block = os.urandom(1 << 20)
    with image.open("wb") as file:
        for _ in range(100):
            file.write(block)
    with image.open("rb") as file:
        headers = {"Content-Type": "application/octet-stream"}
        answer = client.put(
            f"{FILES}/large.nii", params={"inbody": "true", "overwrite": "true"}, data=file, headers=headers
        )
    assert answer.status_code == 200, answer.text
    assert web.file(f"{FOLDER}/large.nii").md5sum == _md5(image.read_bytes())
    spooled = web.run("find /var/lib/nginx /var/lib/tomcat/temp /var/lib/tomcat/work -type f -size +1M")
    assert (spooled.rc, spooled.stdout) == (0, "")


def test_everything_survives_a_restart_of_both_services(
    recaps: list[playbook.Recap], client: Client, web: Host, db: Host
) -> None:
    before = client.get(FILES, params={"format": "csv"}).text
    assert db.run("systemctl restart postgresql").rc == 0
    assert web.run("systemctl restart tomcat").rc == 0
    reached = python(web, WAIT)
    assert reached.rc == 0, reached.stderr
    assert client.get(FILES, params={"format": "csv"}).text == before


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
