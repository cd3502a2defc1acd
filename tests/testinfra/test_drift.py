"""What somebody did to the hosts by hand is put right by the next run, and the run after that changes nothing.

Everything is bent at once and site.yml runs twice, so these tests cost two runs, not two for each of them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from reach import USER, Host, connects, query

from lab import playbook
from lab.settings import Lab

HBA = "/etc/postgresql/*/main/pg_hba.conf"
TABLE = "nft list table inet dpuk_node"
# What is done to each host, as root.
BY_HAND = {
    "db": [
        f"echo 'host all all 0.0.0.0/0 trust' | tee -a {HBA}",
        f"runuser -u postgres -- psql -qc 'ALTER ROLE {USER} SUPERUSER'",
        "nft flush ruleset",
    ],
    "web": [
        "sed -i 's/server_tokens off/server_tokens on/' /etc/nginx/nginx.conf",
        "sed -i 's/port=.8080./port=\"8081\"/' /var/lib/tomcat/conf/server.xml",
        "chmod 0644 /data/xnat/home/config/xnat-conf.properties /etc/nginx/tls/site.key",
        "chmod 0777 /data/xnat/home/config /opt/tomcat/*/lib",
        "chown -R xnat:xnat /opt/xnat/*/WEB-INF",
        "rm -r /data/xnat/build /data/xnat/home/plugins",
        "systemctl stop nginx",
        "systemctl disable --quiet tomcat",
        "nft insert rule inet dpuk_node input tcp dport 8080 accept",
    ],
    "monitor": ["systemctl disable --quiet --now dpuk-firewall", "nft flush ruleset"],
}


@pytest.fixture(scope="module")
def rules(web: Host) -> str:
    """The firewall of web before anybody touched it."""
    found: str = web.run(TABLE).stdout
    return found


@pytest.fixture(scope="module")
def recaps(
    lab: Lab, db: Host, web: Host, monitor: Host, rules: str, tmp_path_factory: pytest.TempPathFactory
) -> list[playbook.Recap]:
    """What site.yml counted after the drift: in a dry run, for real, and again."""
    hosts = {"db": db, "web": web, "monitor": monitor}
    for name, commands in BY_HAND.items():
        for command in commands:
            done = hosts[name].run(command)
            assert done.rc == 0, f"{command}: {done.stderr}"
    folder = tmp_path_factory.mktemp("drift")
    runs: tuple[list[str], ...] = (["--check"], [], [])
    return [playbook.play("site.yml", more, log=folder / f"{number}.log") for number, more in enumerate(runs)]


def test_the_dry_run_saw_it_and_the_run_after_the_repair_changes_nothing(recaps: list[playbook.Recap]) -> None:
    assert [recap.changed > 0 for recap in recaps] == [True, True, False]


def test_rights_of_files_are_as_they_were(recaps: list[playbook.Recap], web: Host) -> None:
    assert web.file("/data/xnat/home/config/xnat-conf.properties").mode == 0o640
    assert web.file("/data/xnat/home/config").mode == 0o750
    assert web.file("/etc/nginx/tls/site.key").mode == 0o640
    assert web.file("/data/xnat/build").user == "xnat"
    assert web.file("/data/xnat/home/plugins").user == "root"


def test_code_is_roots_again(recaps: list[playbook.Recap], web: Host) -> None:
    assert web.run("find /opt/tomcat /opt/xnat ! -type l '(' ! -user root -o -perm /022 ')'").stdout == ""


def test_services_run_with_the_settings_of_the_project(recaps: list[playbook.Recap], web: Host, db: Host) -> None:
    assert web.run("systemctl is-active nginx tomcat").stdout.split() == ["active", "active"]
    assert web.run("systemctl is-enabled nginx tomcat").stdout.split() == ["enabled", "enabled"]
    assert "server_tokens off" in web.file("/etc/nginx/nginx.conf").content_string
    assert web.run("ss -Hltn 'sport = :8081'").stdout == ""
    assert query(db, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'trust'") == "0"
    assert query(db, f"SELECT rolsuper FROM pg_roles WHERE rolname = '{USER}'") == "f"


def test_firewalls_are_shut_again(
    recaps: list[playbook.Recap], rules: str, web: Host, db: Host, monitor: Host, lab: Lab
) -> None:
    """Also the one whose table was there and had one rule more."""
    assert web.run(TABLE).stdout == rules
    assert not connects(monitor, lab.hosts["db"], 5432)
    assert "policy drop" in monitor.run(TABLE).stdout
    assert monitor.run("systemctl is-enabled dpuk-firewall").stdout.strip() == "enabled"


def test_a_new_port_of_the_database_is_taken_in_and_given_up(db: Host, tmp_path: Path) -> None:
    """PostgreSQL takes a port in by a restart only, and the role must find the server where it is."""
    words = ["--limit", "database", "--tags", "postgresql"]

    def ports() -> set[str]:
        return set(re.findall(r":(54\d\d)\s", db.run("ss -Hltn").stdout))

    playbook.play("site.yml", [*words, "-e", "postgresql_port=5433"], log=tmp_path / "there.log")
    assert ports() == {"5433"}
    playbook.play("site.yml", words, log=tmp_path / "back.log")
    assert ports() == {"5432"}
    assert playbook.play("site.yml", words, log=tmp_path / "again.log").changed == 0
