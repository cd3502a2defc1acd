"""Tomcat, XNAT and nginx on web: what is open, what is encrypted, who owns what, where secrets are."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import time

import pytest
import requests
from reach import Client, Host, connects, python
from reach_firewall import open_ports

from lab.settings import DOMAIN, Lab

HOME = "/data/xnat/home"


def main_process(web: Host) -> str:
    """The process number of Tomcat's JVM."""
    number: str = web.run("systemctl show -p MainPID --value tomcat").stdout.strip()
    return number


def test_tomcat_listens_on_loopback_alone(web: Host, monitor: Host, lab: Lab) -> None:
    found = {line.split()[3] for line in web.run("ss -Hltn").stdout.splitlines()}
    assert {address for address in found if address.endswith(":8080")} <= {"127.0.0.1:8080", "[::ffff:127.0.0.1]:8080"}
    assert not [address for address in found if address.endswith((":8005", ":8009", ":8443"))]
    assert not connects(monitor, lab.hosts["web"], 8080)


def test_the_monitor_reaches_munin_s_node_besides_ssh_and_the_front_door(monitor: Host, lab: Lab) -> None:
    ports = [22, 25, 80, 104, 443, 4949, 5432, 8000, 8005, 8009, 8080, 8104, 8443]
    assert open_ports(monitor, lab.hosts["web"], ports) == [22, 80, 104, 443, 4949]


def test_plain_http_is_sent_to_https(monitor: Host) -> None:
    program = (
        "import http.client, sys\n"
        "asked = http.client.HTTPConnection(sys.argv[1], timeout=5)\n"
        "asked.request('GET', '/app/x?y=1')\n"
        "answer = asked.getresponse()\n"
        "print(answer.status, answer.getheader('Location'))\n"
    )
    assert python(monitor, program, f"web.{DOMAIN}").stdout.split() == ["301", f"https://web.{DOMAIN}/app/x?y=1"]


def test_a_client_with_the_ca_gets_the_version_without_logging_in(lab: Lab) -> None:
    answer = requests.get(f"{lab.url}/xapi/siteConfig/buildInfo", verify=str(lab.directory / "ca.crt"), timeout=30)
    assert answer.status_code == 200
    assert answer.json()["version"] == "1.10.1"


def test_a_client_without_the_ca_refuses_the_node(lab: Lab) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{lab.url}/xapi/siteConfig/buildInfo", timeout=30)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(lab: Lab, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(lab.directory / "ca.crt"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", lab.https_port), 5) as wire,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(wire, server_hostname="localhost")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_tls_is_spoken(lab: Lab, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(lab.directory / "ca.crt"))
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", lab.https_port), 5) as wire,
        context.wrap_socket(wire, server_hostname="localhost") as secure,
    ):
        assert secure.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]


def test_a_name_that_is_not_ours_gets_no_answer(client: Client) -> None:
    with pytest.raises(requests.exceptions.ConnectionError):
        client.get("/xapi/siteConfig/buildInfo", headers={"Host": "someone-else.example"})


@pytest.mark.parametrize("path", ["/metrics", "/metrics/x", "/monitoring"])
def test_figures_of_the_inside_are_not_public(client: Client, path: str) -> None:
    assert client.get(path).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/;x/metrics",
        "/..;/metrics",
        "/data/..;/metrics",
        "/.;/monitoring",
        "/metrics;%2f..%2fx",
        "/metrics;%2F..",
        "/monitoring;%2f..%2fx",
    ],
)
def test_there_is_no_way_around_by_what_tomcat_drops_from_a_path(client: Client, path: str) -> None:
    assert client.get(path).status_code == 400


@pytest.mark.parametrize("credentials", [("admin", "admin"), ("admin", ""), ("guest", "guest")])
def test_no_default_password_works(lab: Lab, credentials: tuple[str, str]) -> None:
    answer = requests.get(
        f"{lab.url}/data/projects", auth=credentials, verify=str(lab.directory / "ca.crt"), timeout=30
    )
    assert answer.status_code == 401


def test_java_21_and_python_run_as_xnat_and_as_nobody_else(web: Host) -> None:
    processes = [line.split(None, 1) for line in web.run("ps -eo user:20,args").stdout.splitlines()]
    java = [user for user, words in processes if "org.apache.catalina.startup.Bootstrap" in words]
    twin = [user for user, words in processes if "-m xnat_twin" in words]
    assert java == ["xnat"]
    assert twin == ["xnat"]
    runtime = web.run("ps -o args= -p %s", main_process(web)).stdout.split()[0]
    assert 'version "21' in web.run("%s -version", runtime).stderr


def test_code_belongs_to_root_and_the_service_cannot_write_it(web: Host) -> None:
    places = f"/opt/tomcat /opt/xnat /var/lib/tomcat/conf /var/lib/tomcat/webapps {HOME}/config {HOME}/plugins"
    assert web.run(f"find {places} ! -user root -o -perm /022 ! -type l").stdout == ""
    writable = web.run(f"runuser -u xnat -- find {places} -writable ! -type l")
    assert (writable.rc, writable.stdout) == (0, "")


def test_the_sandbox_lets_tomcat_write_its_data_and_nothing_else(web: Host) -> None:
    """Read from the kernel: the mounts that the running process sees, not the unit that asked for them."""
    seen = web.run("runuser -u xnat -- cat /proc/%s/mountinfo", main_process(web)).stdout
    mounts = {words[4]: words[5].split(",")[0] for words in map(str.split, seen.splitlines())}

    def mode(path: str) -> str:
        above = [point for point in mounts if path == point or path.startswith(point.rstrip("/") + "/")]
        return mounts[max(above, key=len)]

    writable = ["/data/xnat/archive", f"{HOME}/logs", "/var/lib/tomcat/temp", "/var/lib/tomcat/work", "/tmp"]  # noqa: S108
    read_only = ["/", "/etc", "/usr", "/opt/xnat", "/opt/tomcat", "/var/lib/tomcat/conf", "/var/www", "/home", "/root"]
    assert {path: mode(path) for path in writable} == dict.fromkeys(writable, "rw")
    assert {path: mode(path) for path in read_only} == dict.fromkeys(read_only, "ro")


def test_tomcat_has_no_capability_and_cannot_gain_one(web: Host) -> None:
    status = dict(
        re.findall(r"^(\w+):\s*(\w+)", web.run("cat /proc/%s/status", main_process(web)).stdout, re.MULTILINE)
    )
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


@pytest.mark.parametrize("name", ["xnat-conf.properties", "prefs-init.ini"])
def test_files_with_secrets_are_for_root_and_the_group_only(web: Host, name: str) -> None:
    file = web.file(f"{HOME}/config/{name}")
    assert (file.user, file.group, oct(file.mode)) == ("root", "xnat", "0o640")


def test_no_password_is_in_a_command_line_a_unit_or_a_log(web: Host, db: Host, passwords: dict[str, str]) -> None:
    for host in (web, db):
        spoken = host.run(
            "cat /proc/*/cmdline | tr '\\0' ' '; systemctl show tomcat nginx postgresql; journalctl -q --no-pager"
        )
        # zcat: logs of earlier days may have been packed.
        logged = host.run(
            "zcat -f /var/log/nginx/* /var/lib/tomcat/logs/* /data/xnat/home/logs/* /var/log/postgresql/* 2>/dev/null"
        )
        assert "systemd" in spoken.stdout
        for name, password in passwords.items():
            assert password not in spoken.stdout, name
            assert password.encode() not in logged.stdout_bytes, name


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("vault_postgresql_password", [f"{HOME}/config/xnat-conf.properties"]),
        ("vault_xnat_admin_password", []),  # prefs-init.ini had it until XNAT had taken it
    ],
)
def test_passwords_are_in_no_other_file_on_web(
    web: Host, passwords: dict[str, str], name: str, files: list[str]
) -> None:
    """Searched for by a digest of each candidate line's value, so that the password is on no command line here."""
    wanted = hashlib.sha256(passwords[name].encode()).hexdigest()
    program = (
        "import hashlib, os, re, sys\n"
        "found = []\n"
        "for top in ('/etc', '/opt/xnat', '/var/lib/tomcat', '/data/xnat', '/root', '/tmp', '/var/tmp'):\n"
        "    for folder, _, names in os.walk(top):\n"
        "        for name in names:\n"
        "            path = os.path.join(folder, name)\n"
        "            try: text = open(path, 'rb').read(1 << 20)\n"
        "            except OSError: continue\n"
        "            for word in re.findall(rb'[A-Za-z0-9_-]{24,64}', text):\n"
        "                if hashlib.sha256(word).hexdigest() == sys.argv[1]: found.append(path)\n"
        "print('\\n'.join(sorted(set(found))))\n"
    )
    assert python(web, program, wanted).stdout.split() == files


def test_a_killed_tomcat_comes_back_by_itself(web: Host, client: Client) -> None:
    before = main_process(web)
    web.run("kill -9 %s", before)
    deadline = time.monotonic() + 90
    status = 0
    while status != 200 and time.monotonic() < deadline:
        time.sleep(1)
        status = client.get("/xapi/siteConfig/buildInfo").status_code
        if main_process(web) in (before, "0"):
            status = 0
    assert status == 200
    assert len([line for line in web.run("ps -eo args").stdout.splitlines() if "-m xnat_twin" in line]) == 1
