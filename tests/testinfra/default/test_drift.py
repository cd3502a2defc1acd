"""What somebody did to the hosts by hand is put right by the next run, and the run after that changes nothing.

Everything is bent at once and site.yml runs twice, so these tests cost two runs, not two for each of them.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from munin_client import talk
from munin_values import said
from reach import USER, Client, Host, access_log, connects, query
from secret_forms import told

from lab import playbook
from lab.settings import Lab

HBA = "/etc/postgresql/*/main/pg_hba.conf"
TLS = "/data/xnat/home/config/tls"
STARTED = "SELECT pg_postmaster_start_time()"
TABLE = "nft list table inet dpuk_node"
# What is done to each host, as root.
BY_HAND = {
    "db": [
        f"echo 'host all all 0.0.0.0/0 trust' | tee -a {HBA}",
        f"runuser -u postgres -- psql -qc 'ALTER ROLE {USER} SUPERUSER'",
        "chmod 0644 /etc/dpuk/postgresql/server.key",
        "nft flush ruleset",
        "ln -s /usr/share/munin/plugins/users /etc/munin/plugins/users",
        "rm /etc/munin/plugins/cpu",
        "sed -i 's/^tls paranoid/tls disabled/' /etc/munin/munin-node.conf",
        "systemctl restart munin-node",
        "runuser -u postgres -- psql -qc 'GRANT pg_read_all_data TO munin'",
    ],
    "web": [
        f"rm {TLS}/database.pk8",
        f"truncate -s 0 {TLS}/database.crt",
        "sed -i 's/server_tokens off/server_tokens on/' /etc/nginx/nginx.conf",
        "sed -i 's/port=.8080./port=\"8081\"/' /var/lib/tomcat/conf/server.xml",
        "sed -i s/show_sql=false/show_sql=true/ /data/xnat/home/config/xnat-conf.properties",
        "chmod 0644 /data/xnat/home/config/xnat-conf.properties /etc/nginx/tls/site.key",
        # A password in the file of first settings, where none is once the site is set up.
        "sed -i 's/^defaultAdminPassword=.*/defaultAdminPassword=left-by-hand/' /data/xnat/home/config/prefs-init.ini",
        "chmod 0777 /data/xnat/home/config /opt/tomcat/*/lib",
        "chmod 0644 /var/log/nginx/error.log",
        "chown -R xnat:xnat /opt/xnat/*/WEB-INF",
        "rm -r /data/xnat/build /data/xnat/home/plugins",
        # Somebody's own jar in place of the listed one.
        "mkdir /data/xnat/home/plugins && touch /data/xnat/home/plugins/stale-0.9.jar",
        "systemctl stop nginx",
        "rm /etc/dpuk/front-door-open",
        "systemctl disable --quiet --now dpuk-certificate.timer",
        "sed -i 's/^inet_interfaces.*/inet_interfaces = all/' /etc/postfix/main.cf",
        "systemctl restart postfix",
        "systemctl disable --quiet tomcat",
        "nft insert rule inet dpuk_node input tcp dport 8080 accept",
        "systemctl disable --quiet --now dpuk-storage.timer",
        "sed -i s/heap_max/heap_most/ /var/lib/tomcat/figures/index.jsp",
        "chmod 0777 /usr/local/lib/dpuk/munin/dpuk_munin/plugin.py",
    ],
    "monitor": [
        "systemctl disable --quiet --now dpuk-firewall",
        "systemctl unmask --quiet nftables",
        "systemctl start nftables",  # flushes all rules
        "sed -i 's/^tls paranoid/tls disabled/' /etc/munin/munin.conf",
        "sed -i s/admin@dpuk.test/stranger@example.org/ /etc/dpuk/munin-alerts.json",
        "systemctl disable --quiet --now dpuk-munin-watch.timer dpuk-munin-graph.socket cron",
        "chmod 0644 /etc/munin/master-tls/master.key /etc/dpuk/munin-alerts.json",
        "echo 'admin:{PLAIN}anything' | tee /etc/nginx/munin.accounts",
    ],
}
# What is changed in XNAT itself: path, method, what is sent, and how the dry run shows that it will be put back.
IN_XNAT: list[tuple[str, str, dict[str, object], list[str]]] = [
    (
        "/xapi/siteConfig",
        "POST",
        {"requireLogin": False, "checksums": False, "adminEmail": "stranger@example.org", "siteId": "OTHER"},
        ["-    requireLogin: False", "+    requireLogin: True", "+    checksums: True", "+    siteId: DPUK_LAB"],
    ),
    (
        "/xapi/notifications",
        "POST",
        {"smtpHostname": "mail.example.org"},
        ["-    smtpHostname: mail.example.org", "+    smtpHostname: localhost"],
    ),
    (
        "/xapi/dicomscp",
        "POST",
        {"aeTitle": "STRANGER", "port": 8105, "identifier": "dicomObjectIdentifier"},
        ["-DICOM receiver STRANGER:8105"],
    ),
    ("/xapi/users/guest", "PUT", {"enabled": True}, [" account guest", "-    enabled: True", "+    enabled: False"]),
]
# Nobody has such projects; asking for them leaves marks in the access log, which no other run of these tests has left.
MARKS = tuple(f"/data/projects/{name}-{secrets.token_hex(4)}" for name in ("before-the-last-run", "after-the-last-run"))


@pytest.fixture(scope="module")
def rules(web: Host) -> str:
    """The firewall of web before anybody touched it."""
    found: str = web.run(TABLE).stdout
    return found


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what the runs printed: 0.log, 1.log and 2.log."""
    return tmp_path_factory.mktemp("drift")


@pytest.fixture(scope="module")
def recaps(lab: Lab, db: Host, web: Host, monitor: Host, rules: str, admin: Client, logs: Path) -> list[playbook.Recap]:
    """What site.yml counted after the drift: in a dry run, for real, and again without its checks."""
    for path, method, content, _ in IN_XNAT:
        admin.session.request(method, f"{admin.url}{path}", json=content, timeout=60).raise_for_status()
    hosts = {"db": db, "web": web, "monitor": monitor}
    for name, commands in BY_HAND.items():
        for command in commands:
            done = hosts[name].run(command)
            assert done.rc == 0, f"{command}: {done.stderr}"
    # In all their detail, for the search for secrets.
    found = [playbook.play("site.yml", ["--check", "--diff", "-vvv"], log=logs / "0.log")]
    found.append(playbook.play("site.yml", ["--diff", "-vvv"], log=logs / "1.log"))
    (logs / "started").write_text(query(db, STARTED))
    assert admin.get(MARKS[0]).status_code == 404
    # Without the checks, which have not changed: the roles find out by themselves what the hosts are.
    return [*found, playbook.play("site.yml", ["-vvv", "--skip-tags", "always"], log=logs / "2.log")]


def test_the_dry_run_saw_it_and_the_run_after_the_repair_changes_nothing(recaps: list[playbook.Recap]) -> None:
    assert [recap.changed > 0 for recap in recaps] == [True, True, False]


def test_no_run_tells_a_password(recaps: list[playbook.Recap], logs: Path, passwords: dict[str, str]) -> None:
    """Not as it is and in no form that says it, in a prediction, in a repair and in a run without a change."""
    for log in sorted(logs.glob("*.log")):
        assert "TASK [xnat : Write xnat-conf.properties]" in log.read_text()
        assert told(log.read_text(), passwords) == [], log.name


def test_rights_of_files_are_as_they_were(recaps: list[playbook.Recap], web: Host) -> None:
    assert web.file("/data/xnat/home/config/xnat-conf.properties").mode == 0o640
    assert web.file("/data/xnat/home/config").mode == 0o750
    assert web.file("/etc/nginx/tls/site.key").mode == 0o640
    assert web.file("/var/log/nginx/error.log").mode == 0o640
    assert web.file("/data/xnat/build").user == "xnat"
    assert web.file("/data/xnat/home/plugins").user == "root"


def test_no_password_is_in_the_file_of_first_settings(recaps: list[playbook.Recap], web: Host) -> None:
    """What XNAT has taken long ago; in its place is what fits no login."""
    lines = web.file("/data/xnat/home/config/prefs-init.ini").content_string.splitlines()
    (line,) = [line for line in lines if "password" in line.lower() and not line.startswith("#")]
    assert re.fullmatch("defaultAdminPassword=[0-9a-f]{64}", line)


def test_plugins_are_exactly_those_listed(recaps: list[playbook.Recap], web: Host, client: Client) -> None:
    """The jar is there again, root's and readable by XNAT's group; the other is gone; XNAT says what it has loaded."""
    folder = "/data/xnat/home/plugins"
    assert web.run(f"ls -A {folder}").stdout.split() == ["practice-plugin-1.0.0.jar"]
    jar = web.file(f"{folder}/practice-plugin-1.0.0.jar")
    assert (jar.user, jar.group, jar.mode) == ("root", "xnat", 0o640)
    assert list(client.get("/xapi/plugins").json()) == ["practice-plugin"]


def test_code_is_roots_again(recaps: list[playbook.Recap], web: Host) -> None:
    assert web.run("find /opt/tomcat /opt/xnat ! -type l '(' ! -user root -o -perm /022 ')'").stdout == ""


def test_services_run_with_the_settings_of_the_project(recaps: list[playbook.Recap], web: Host, db: Host) -> None:
    assert web.run("systemctl is-active nginx tomcat").stdout.split() == ["active", "active"]
    assert web.run("systemctl is-enabled nginx tomcat").stdout.split() == ["enabled", "enabled"]
    assert "server_tokens off" in web.file("/etc/nginx/nginx.conf").content_string
    assert web.run("ss -Hltn 'sport = :8081'").stdout == ""
    assert web.run("systemctl is-active dpuk-certificate.timer").stdout.strip() == "active"
    mail = {line.split()[3] for line in web.run("ss -Hltn 'sport = :25'").stdout.splitlines()}
    assert mail <= {"127.0.0.1:25", "[::1]:25"}
    assert query(db, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'trust'") == "0"
    assert query(db, f"SELECT rolsuper FROM pg_roles WHERE rolname = '{USER}'") == "f"


def test_the_dry_run_shows_changed_configuration_and_no_password(
    recaps: list[playbook.Recap], logs: Path, passwords: dict[str, str]
) -> None:
    """It ran with --diff; the file that holds the database's password differed too."""
    shown = (logs / "0.log").read_text()
    for line in ("-    server_tokens on;", "+    server_tokens off;", "-host all all 0.0.0.0/0 trust"):
        assert line in shown.splitlines()
    assert [name for name, secret in passwords.items() if secret in shown] == []


def test_what_was_changed_in_xnat_is_shown_by_the_dry_run(recaps: list[playbook.Recap], logs: Path) -> None:
    shown = (logs / "0.log").read_text().splitlines()
    assert [line for _, _, _, lines in IN_XNAT for line in lines if line not in shown] == []


def test_what_was_changed_in_xnat_is_put_back(recaps: list[playbook.Recap], admin: Client) -> None:
    settings = admin.get("/xapi/siteConfig").json()
    assert [settings[name] for name in ("requireLogin", "checksums", "adminEmail", "siteId")] == [
        True,
        True,
        "admin@dpuk.test",
        "DPUK_LAB",
    ]
    assert admin.get("/xapi/notifications").json()["smtpHostname"] == "localhost"
    assert admin.get("/xapi/users/guest/enabled").text == "false"
    assert [one["label"] for one in admin.get("/xapi/dicomscp").json()] == ["DPUK_LAB:8104"]


def test_a_run_without_a_change_sends_xnat_nothing(recaps: list[playbook.Recap], admin: Client, web: Host) -> None:
    """Read in Tomcat's log between two marks: the site was looked at, and nothing was written."""
    assert admin.get(MARKS[1]).status_code == 404
    lines = access_log(web, until=MARKS[1])
    begin = next(number for number, line in enumerate(lines) if MARKS[0] in line)
    asked = [line.split('"')[1] for line in lines[begin:] if '"' in line]
    assert any(request.startswith("GET /xapi/siteConfig ") for request in asked)
    assert [request for request in asked if request.startswith(("POST /xapi", "PUT /xapi", "DELETE /xapi"))] == []


def test_the_monitor_gets_what_it_should_and_by_tls(
    recaps: list[playbook.Recap], db: Host, monitor: Host, lab: Lab
) -> None:
    """Plugins are exactly those of the project, and the node that runs has read its settings."""
    links = db.run("ls /etc/munin/plugins").stdout.split()
    assert ("cpu" in links, "users" in links) == (True, False)
    assert talk(monitor, lab.hosts["db"], "plain", "")[1] == "# I require TLS. Closing."
    member = "SELECT string_agg(roleid::regrole::text, ',') FROM pg_auth_members WHERE member = 'munin'::regrole"
    assert query(db, member) == "pg_monitor"


def test_the_nodes_own_plugins_measure_as_before(recaps: list[playbook.Recap], web: Host) -> None:
    timer = "dpuk-storage.timer"
    assert web.run(f"systemctl is-enabled {timer}; systemctl is-active {timer}").stdout.split() == ["enabled", "active"]
    assert web.file("/usr/local/lib/dpuk/munin/dpuk_munin/plugin.py").mode == 0o755
    assert "U" not in said(web, "xnat_jvm")["xnat_jvm"].values()


def test_firewalls_are_shut_again(
    recaps: list[playbook.Recap], rules: str, web: Host, db: Host, monitor: Host, lab: Lab
) -> None:
    """Also the one whose table was there and had one rule more."""
    assert web.run(TABLE).stdout == rules
    assert not connects(monitor, lab.hosts["db"], 5432)
    assert "policy drop" in monitor.run(TABLE).stdout
    assert monitor.run("systemctl is-enabled dpuk-firewall nftables").stdout.split() == ["enabled", "masked"]


def test_a_run_without_a_change_restarts_no_database(recaps: list[playbook.Recap], logs: Path, db: Host) -> None:
    assert query(db, STARTED) == (logs / "started").read_text()


def test_keys_and_certificates_of_the_database_are_as_they_were(
    recaps: list[playbook.Recap], web: Host, db: Host
) -> None:
    assert db.file("/etc/dpuk/postgresql/server.key").mode == 0o640
    key = web.file(f"{TLS}/database.pk8")
    assert (key.user, key.group, key.mode) == ("root", "xnat", 0o640)
    assert web.run(f"openssl verify -CAfile {TLS}/ca.crt {TLS}/database.crt").rc == 0


def test_munin_watches_and_tells_as_before(recaps: list[playbook.Recap], monitor: Host) -> None:
    units = "dpuk-munin-watch.timer dpuk-munin-graph.socket cron nginx"
    assert monitor.run(f"systemctl is-active {units}").stdout.split() == ["active"] * 4
    assert monitor.run(f"systemctl is-enabled {units}").stdout.split() == ["enabled"] * 4
    assert "\ntls paranoid\n" in monitor.file("/etc/munin/munin.conf").content_string
    alerts, key = monitor.file("/etc/dpuk/munin-alerts.json"), monitor.file("/etc/munin/master-tls/master.key")
    assert '"admin@dpuk.test"' in alerts.content_string
    assert [(file.group, file.mode) for file in (alerts, key)] == [("munin", 0o640)] * 2
    assert monitor.file("/etc/nginx/munin.accounts").content_string.startswith("admin:$6$")
