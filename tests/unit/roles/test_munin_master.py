"""Whom munin watches, what is put aside, and how the password of its pages is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from role_assertions import admits, task_of
from roles_tree import load_module

watched = load_module("roles/munin_master/filter_plugins/munin_watched.py")
leftovers = load_module("roles/munin_master/library/munin_leftovers.py")
password = load_module("roles/munin_master/library/munin_password.py")

WEB = {
    "host": "web",
    "name": "web",
    "address": "192.0.2.12",
    "port": 4949,
    "door": "192.0.2.12:4949",
    "groups": ["all", "web", "xnat"],
}
FULL = {"hosts": "xnat", "plugin": "df", "field": "_data", "warning": "80", "critical": "90"}


def test_a_host_is_watched_as_its_node_says() -> None:
    hostvars: dict[str, dict[str, Any]] = {
        "web": {"private_address": "192.0.2.12", "group_names": ["xnat"]},
        "bare": {"private_address": "192.0.2.8", "munin_node_enabled": False},
        "old": {"private_address": "192.0.2.9", "munin_node_name": "store", "munin_node_port": 5949, "group_names": []},
    }
    found = watched.watched(["web", "bare", "old"], hostvars)
    assert found[0] == WEB
    assert [(node["name"], node["port"]) for node in found] == [("web", 4949), ("store", 5949)]


def test_the_last_threshold_for_a_field_counts_and_an_empty_one_takes_it_away() -> None:
    lower, none = {**FULL, "hosts": "web", "warning": 70, "critical": None}, {**FULL, "hosts": "all", "critical": ""}
    assert watched.limits(WEB, [FULL]) == {"df._data.warning": "80", "df._data.critical": "90"}
    assert watched.limits(WEB, [FULL, lower]) == {"df._data.warning": "70", "df._data.critical": "90"}
    assert watched.limits(WEB, [FULL, none])["df._data.critical"] == ":"
    assert watched.limits(WEB, [{**FULL, "hosts": "database"}]) == {}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, None),
        ({"warning": "1:90", "critical": "1:"}, None),
        ({"warning": ":-3.5"}, None),
        ({"hosts": "webb"}, "hosts is webb"),
        ({"warning": "90 %"}, "warning is 90 %"),
        ({"critical": "high"}, "critical is high"),
        ({"field": "a b"}, "names as `munin-run"),
        ({"plugin": "df\nuser root"}, "names as `munin-run"),
    ],
)
def test_a_threshold_that_munin_would_misread_is_refused(changed: dict[str, str], told: str | None) -> None:
    found = watched.problems([WEB], [{**FULL, **changed}], ["web", "xnat"])
    assert [bool(told and told in line) for line in found] == ([True] if told else [])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "we b"}, "munin_node_name of web"),
        ({"address": ""}, "private_address of web"),
        ({"host": "two"}, "called web"),
    ],
)
def test_hosts_that_munin_could_not_tell_apart_or_find_are_refused(changed: dict[str, str], told: str) -> None:
    nodes = [WEB, {**WEB, **changed}] if "host" in changed else [{**WEB, **changed}]
    assert [told in line for line in watched.problems(nodes, [], ["web"])] == [True]


@pytest.mark.parametrize(
    ("mail", "command", "good"),
    [
        (["ops@example.org"], [], True),
        ([], ["/usr/local/bin/hook", "x"], True),
        ([], [], False),
        (["ops"], [], False),
        (["ops@example.org"], ["hook"], False),
    ],
)
def test_somebody_must_be_told(mail: list[str], command: list[str], good: bool) -> None:
    task = task_of("roles/munin_master/tasks/preflight.yml", "Check whom to tell")
    told = {"munin_master_mail_to": mail, "munin_master_alert_command": command}
    assert admits(task, munin_master_patience_minutes=15, **told) is good
    without_mail = admits(task, munin_master_patience_minutes=15, mail_enabled=False, **told)
    assert without_mail is (good and not mail)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """What munin has after some rounds with web, web-2 and db, and after an hour with Debian's own munin.conf."""
    values, pages = tmp_path / "values", tmp_path / "pages"
    for host in ("web", "web-2", "db"):
        for file in (values / "dpuk" / f"{host}-load-load-g.rrd", values / f"state-dpuk-{host}.storable"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        for folder in (pages / "dpuk" / host, values / "cgi-tmp" / "munin-cgi-graph" / "dpuk" / host):
            folder.mkdir(parents=True)
    (values / "localdomain").mkdir()
    (values / "localdomain" / "localhost.localdomain-load-load-g.rrd").touch()
    for folder in (pages / "localdomain", pages / "static"):
        folder.mkdir()
    (values / "datafile").touch()
    return values, pages


def names(paths: list[Path], base: Path) -> list[str]:
    """Paths without what the test has made above them."""
    return [str(path.relative_to(base.parent)) for path in paths]


@pytest.mark.parametrize("gone", ["web", "web-2"])
def test_one_host_goes_and_the_one_whose_name_begins_alike_stays(folders: tuple[Path, Path], gone: str) -> None:
    values, pages = folders
    moved, removed = leftovers.leftovers(values, pages, "dpuk", {"web", "web-2", "db"} - {gone})
    assert names(moved, values)[:2] == [f"values/dpuk/{gone}-load-load-g.rrd", f"values/state-dpuk-{gone}.storable"]
    assert names(removed, values)[:2] == [f"pages/dpuk/{gone}", f"values/cgi-tmp/munin-cgi-graph/dpuk/{gone}"]


def test_debians_own_tree_goes_and_nothing_else(folders: tuple[Path, Path]) -> None:
    values, pages = folders
    moved, removed = leftovers.leftovers(values, pages, "dpuk", {"web", "web-2", "db"})
    assert (names(moved, values), names(removed, values)) == (["values/localdomain"], ["pages/localdomain"])
    for path in moved:
        leftovers.put_aside(path, values)
    assert (values / "removed/localdomain/localhost.localdomain-load-load-g.rrd").exists()
    assert leftovers.leftovers(values, pages, "dpuk", {"web", "web-2", "db"})[0] == []


def test_a_round_that_goes_on_is_seen(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cmdline").write_bytes(b"/usr/sbin/cron\0-f\0")
    assert not leftovers.round_goes_on(tmp_path)
    (tmp_path / "7" / "cmdline").write_bytes(b"/bin/sh\0/usr/bin/munin-cron\0")
    assert leftovers.round_goes_on(tmp_path)


def test_before_munin_has_run_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert leftovers.leftovers(tmp_path / "a", tmp_path / "b", "dpuk", {"web"}) == ([], [])


@pytest.mark.parametrize(
    ("line", "salt"),
    [
        ("admin:$6$abcdef$hash\n", "abcdef"),
        ("other:$6$abcdef$hash\n", None),
        ("admin:$apr1$abcdef$hash\n", None),
        ("admin:plain\n", None),
        ("", None),
    ],
)
def test_a_stored_password_is_compared_by_its_salt(line: str, salt: str | None) -> None:
    assert password.salt_of(line, "admin") == salt
