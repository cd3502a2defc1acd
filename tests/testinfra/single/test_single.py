"""A node of one server in a network that is cut off: it was built there, it works, and it is shut to strangers."""

from __future__ import annotations

import hashlib
import json

import pytest
from munin import by_hand, poll
from munin_values import said
from reach import Host, python
from reach_firewall import LISTEN, listening, open_ports, talking

from lab import podman
from lab.settings import DOMAIN, NEIGHBOUR, Lab

# What a client does who has Python and nothing else: log in, make what is above a file, put it there, list it.
UPLOAD = """
import base64, json, ssl, sys, urllib.request
host, ca, password, content = sys.argv[1:]
context = ssl.create_default_context(cadata=ca)
login = "Basic " + base64.b64encode(b"admin:" + password.encode()).decode()
def ask(method, path, body=None):
    asked = urllib.request.Request(f"https://{host}{path}", body, {"Authorization": login}, method=method)
    if body is not None:
        asked.add_header("Content-Type", "application/octet-stream")
    with urllib.request.urlopen(asked, timeout=60, context=context) as answer:
        return answer.read().decode()
version = json.loads(ask("GET", "/xapi/siteConfig/buildInfo"))["version"]
folder = "/data/projects/single"
for part in ("", "/subjects/s1", "/subjects/s1/experiments/e1?xsiType=xnat:mrSessionData"):
    ask("PUT", folder + part)
resource = folder + "/subjects/s1/experiments/e1/resources/NOTES"
ask("PUT", resource)
ask("PUT", resource + "/files/note.bin?inbody=true", bytes.fromhex(content))
rows = json.loads(ask("GET", resource + "/files?format=json"))["ResultSet"]["Result"]
print(json.dumps({"version": version, "files": [[row["Name"], row["digest"]] for row in rows]}))
"""


@pytest.mark.parametrize("address", ["192.0.2.1", "1.1.1.1", "2001:db8::1", "2606:4700:4700::1111"])
def test_the_host_has_no_way_out(node: Host, address: str) -> None:
    """So whatever was installed on it came from this machine's cache."""
    assert node.run(f"ip route get {address}").rc != 0
    assert "default" not in node.run("ip route show; ip -6 route show").stdout


def test_a_file_goes_in_through_the_front_door_and_its_checksum_comes_back(
    neighbour: Host, lab: Lab, passwords: dict[str, str]
) -> None:
    content = bytes(range(256)) * 4
    ca, password = (lab.directory / "ca.crt").read_text(), passwords["vault_xnat_admin_password"]
    done = python(neighbour, UPLOAD, f"node.{DOMAIN}", ca, password, content.hex())
    assert done.rc == 0, done.stderr
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert json.loads(done.stdout) == {"version": "1.10.1", "files": [["note.bin", digest]]}


def test_the_database_listens_inside_the_server_alone(node: Host) -> None:
    assert 5432 not in listening(node)
    assert "127.0.0.1:5432" in node.run("ss -Hltn").stdout


def test_the_database_speaks_tls_or_not_at_all_also_inside(node: Host) -> None:
    """XNAT works (above), so it speaks TLS; whoever does not is sent away before any password is looked at."""
    done = node.run("psql 'host=127.0.0.1 user=xnat dbname=xnat password=any sslmode=disable' -c 'SELECT 1'")
    assert done.rc != 0
    assert "no pg_hba.conf entry" in done.stderr
    assert "no encryption" in done.stderr


def test_munin_s_node_listens_inside_the_server_alone(node: Host) -> None:
    sockets = node.run("ss -Hltn 'sport = :4949'").stdout.splitlines()
    assert [line.split()[3] for line in sockets] == ["127.0.0.1:4949"]


PAGES = """
import base64, ssl, sys, urllib.error, urllib.request
host, ca, password = sys.argv[1:]
def ask(port, login):
    asked = urllib.request.Request(f"https://{host}:{port}/dpuk/")
    if login:
        asked.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    try:
        with urllib.request.urlopen(asked, timeout=60, context=ssl.create_default_context(cadata=ca)) as answer:
            return answer.status, b"node/index.html" in answer.read()
    except urllib.error.HTTPError as error:
        return error.code, False
print([ask(8444, ""), ask(8444, "admin:" + password), ask(443, "")[1]])
"""


def test_munin_s_pages_are_beside_xnat_at_a_port_of_their_own(
    neighbour: Host, node: Host, lab: Lab, passwords: dict[str, str]
) -> None:
    """The node is watched by itself: what it was polled for is on the pages."""
    with by_hand(node):
        poll(node)
    assert "UD|dpuk;node|" in node.file("/var/lib/munin/munin-update.stats").content_string
    ca, password = (lab.directory / "ca.crt").read_text(), passwords["vault_munin_password"]
    done = python(neighbour, PAGES, f"node.{DOMAIN}", ca, password)
    assert done.rc == 0, done.stderr
    assert done.stdout.strip() == "[(401, False), (200, True), False]"


def test_one_server_has_the_munin_plugins_of_all_roles_and_each_tells(node: Host) -> None:
    """Only of a backup nothing is known yet."""
    links = node.run("find /etc/munin/plugins -lname '*/dpuk_munin/plugin.py' -printf '%f\\n'").stdout.split()
    own = {"dpuk_certificates", "xnat_backup", "xnat_jvm", "xnat_storage", "xnat_up"}
    assert own < set(links)
    told = {plugin: said(node, plugin) for plugin in sorted(own)}
    unknown = {
        (graph, field)
        for graphs in told.values()
        for graph, values in graphs.items()
        for field, value in values.items()
        if value == "U"
    }
    assert unknown == {("xnat_backup", "age"), ("xnat_backup_size", "size")}
    assert told["xnat_up"]["xnat_up"]["up"] == "1"
    # Its own end of each connection to the database counts, not PostgreSQL's, which is on this server, too.
    assert 0 < int(told["xnat_jvm"]["xnat_jvm_pool"]["open"]) <= 40


def test_a_stranger_finds_ssh_the_front_door_and_the_pages_of_munin(neighbour: Host, node: Host, lab: Lab) -> None:
    """Also where a program listens on every address: it is the firewall that refuses."""
    addresses = [lab.hosts["node"], *([lab.address6("node")] if podman.has_ipv6() else [])]
    with talking(lab.container("node"), LISTEN, "[4950, 8090]"):
        ports = {*listening(node), 5432, 8080}
        assert {4950, 8090} <= ports
        assert open_ports(node, addresses[0], [4950, 8090]) == [4950, 8090]
        for address in addresses:
            assert open_ports(neighbour, address, ports) == [22, 80, 443, 8444], address
    assert NEIGHBOUR not in lab.hosts
