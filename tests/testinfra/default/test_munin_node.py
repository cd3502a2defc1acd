"""Every host tells the monitor how it is, in full and over TLS, and nobody else anything.

What plugins of our own say is in test_munin_plugins.py, that values flow in test_munin_flow.py.
"""

from __future__ import annotations

import json
import re

import pytest
from munin_client import PORT, TLS, talk
from reach import DATABASE, Host, connects, python, query

from lab.settings import Lab

LINKS = "find /etc/munin/plugins -mindepth 1 -printf '%f %l\\n'"
SYSTEM = {"cpu", "df", "df_inode", "diskstats", "load", "memory", "open_files", "processes", "swap", "uptime"}
NETWORK = {"if_eth0", "if_err_eth0"}
POSTGRESQL = {
    "postgres_autovacuum",
    "postgres_bgwriter",
    "postgres_cache_ALL",
    "postgres_checkpoints",
    "postgres_connections_ALL",
    "postgres_connections_db",
    "postgres_locks_ALL",
    "postgres_querylength_ALL",
    "postgres_size_ALL",
    "postgres_transactions_ALL",
    "postgres_users",
    "postgres_xlog",
}
EVERYWHERE = SYSTEM | NETWORK | {"postfix_mailqueue"}
NGINX = {"nginx_request", "nginx_status"}
# Runs each plugin in both ways, two at a time; a plugin that compares has nothing to say at its first run.
MEASURE = """
import concurrent.futures, json, subprocess, sys, time
def said(plugin, *words):
    # The daemon's own sandbox, which munin-run would ask systemd for each time, is proved by what the monitor gets.
    command = ["munin-run", "--ignore-systemd-properties", plugin, *words]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or done.stderr:
        sys.exit(f"{plugin} {words}: {done}")
    return done.stdout
def both(plugin):
    config, values = said(plugin, "config"), said(plugin)
    if ".value" not in values:
        time.sleep(2)
        values = said(plugin)
    return config, values
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    print(json.dumps(dict(zip(sys.argv[1:], pool.map(both, sys.argv[1:])))))
"""
PLUGINS = {"db": EVERYWHERE | POSTGRESQL, "web": EVERYWHERE | NGINX, "monitor": EVERYWHERE | NGINX}


@pytest.fixture(scope="module")
def hosts(db: Host, web: Host, monitor: Host) -> dict[str, Host]:
    """The node's hosts by name."""
    return {"db": db, "web": web, "monitor": monitor}


def test_it_listens_on_the_private_address_alone(hosts: dict[str, Host], lab: Lab) -> None:
    for name, host in hosts.items():
        sockets = host.run("ss -Hltn 'sport = :4949'").stdout.splitlines()
        assert [line.split()[3] for line in sockets] == [f"{lab.hosts[name]}:{PORT}"], name


def test_the_firewall_admits_the_monitor_alone(
    hosts: dict[str, Host], neighbour: Host, lab: Lab, monitor: Host
) -> None:
    for name in hosts:
        assert connects(monitor, lab.hosts[name], PORT), name
        assert not connects(neighbour, lab.hosts[name], PORT), name
    assert not connects(hosts["web"], lab.hosts["db"], PORT)


@pytest.mark.parametrize("name", ["db", "web"])
def test_the_node_itself_refuses_other_addresses(hosts: dict[str, Host], lab: Lab, name: str) -> None:
    """Past the firewall: from the host to itself, which is not the monitor. Nothing is said, and the line is cut."""
    program = (
        "import socket, sys\n"
        "wire = socket.create_connection((sys.argv[1], 4949), 10)\n"
        "try: print(len(wire.recv(100)))\n"
        "except ConnectionResetError: print(0)\n"
    )
    assert python(hosts[name], program, lab.hosts[name]).stdout.strip() == "0"
    assert connects(hosts[name], lab.hosts[name], PORT)


def test_a_client_without_tls_is_refused(monitor: Host, lab: Lab) -> None:
    assert talk(monitor, lab.hosts["db"], "plain", "") == [
        "# munin node at db",
        "# I require TLS. Closing.",
        "closed",
    ]


def test_only_the_monitors_certificate_opens(monitor: Host, db: Host, lab: Lab) -> None:
    """None is too little, and so is one that the same authority gave to another host of the node."""
    other = "/run/of-another-host"
    monitor.run(f"install -d -m 0700 {other}")
    try:
        for file in ("node.crt", "node.key"):
            monitor.run("echo %s > %s", db.file(f"{TLS}/{file}").content_string, f"{other}/{file}")
        told = {
            which: talk(monitor, lab.hosts["db"], certificate, key, "list")
            for which, certificate, key in (
                ("none", "none", ""),
                ("another's", f"{other}/node.crt", f"{other}/node.key"),
                ("the monitor's", f"{TLS}/node.crt", f"{TLS}/node.key"),
            )
        }
    finally:
        monitor.run(f"rm -r {other}")
    assert "postgres_size_ALL" in told["the monitor's"][-1]
    for refused in ("none", "another's"):
        assert told[refused][:2] == ["# munin node at db", "TLS OK"], told
        assert not [line for line in told[refused] if "postgres_size_ALL" in line], told


def test_the_key_is_for_root_and_munin(hosts: dict[str, Host]) -> None:
    for name, host in hosts.items():
        key = host.file(f"{TLS}/node.key")
        assert (key.user, key.group, key.mode) == ("root", "munin", 0o640), name


def test_each_host_has_the_plugins_for_what_it_is_and_each_leads_somewhere(hosts: dict[str, Host]) -> None:
    """What the package linked at its installation (users, say) is gone; there are more of our own."""
    for name, host in hosts.items():
        links = dict(line.split() for line in host.run(LINKS).stdout.splitlines())
        stock = {link for link, target in links.items() if target.startswith("/usr/share/munin/plugins/")}
        replaced = {"postgres_bgwriter", "postgres_checkpoints"} & PLUGINS[name]
        assert stock == PLUGINS[name] - replaced, name
        assert all(
            target.startswith("/usr/local/lib/dpuk/munin/") for link, target in links.items() if link not in stock
        )
        assert replaced <= set(links)
        assert host.run("find -L /etc/munin/plugins -type l").stdout == "", name


@pytest.fixture(scope="module")
def measured(hosts: dict[str, Host]) -> dict[str, dict[str, list[str]]]:
    """Host → plugin → what munin-run says of its configuration and of its values; none failed or complained."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, host in hosts.items():
        done = python(host, MEASURE, *sorted(PLUGINS[name]))
        assert done.rc == 0, done.stderr
        found[name] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", PLUGINS)
def test_each_plugin_says_what_it_measures_and_a_value_for_all_of_it(
    measured: dict[str, dict[str, list[str]]], name: str
) -> None:
    """By munin-run, as the account and with the settings that the node uses: no value is missing or unknown."""
    assert set(measured[name]) == PLUGINS[name]
    for plugin, (config, values) in measured[name].items():
        assert re.search(r"^graph_title \S", config, re.MULTILINE), plugin
        fields = set(re.findall(r"^(\w+)\.label ", config, re.MULTILINE))
        said = dict(re.findall(r"^(\w+)\.value (\S+)$", values, re.MULTILINE))
        assert fields, plugin
        assert fields <= set(said), plugin
        assert [field for field, value in said.items() if not re.fullmatch(r"-?[0-9.]+(e[+-]?\d+)?", value)] == [], (
            plugin
        )


@pytest.mark.parametrize("plugin", ["df", "df_inode"])
def test_file_systems_have_the_limits_of_the_inventory(measured: dict[str, dict[str, list[str]]], plugin: str) -> None:
    """Those of the role, and on web others for one mount point: the root of the container, which has no other disk."""
    for host, limits in (("db", ["85", "95"]), ("web", ["80", "90"])):
        config, values = measured[host][plugin]
        assert "overlay.label /" in config.splitlines()
        assert re.findall(r"^overlay\.(?:warning|critical) (\d+)$", config, re.MULTILINE) == limits
        assert re.findall(r"^(\w+)\.value", values, re.MULTILINE) == ["overlay"]


def test_numbers_are_true(measured: dict[str, dict[str, list[str]]], db: Host) -> None:
    """Compared with what the things themselves say."""
    sizes = dict(re.findall(r"^(\w+)\.value (\d+)$", measured["db"]["postgres_size_ALL"][1], re.MULTILINE))
    assert int(sizes[DATABASE]) == pytest.approx(int(query(db, f"SELECT pg_database_size('{DATABASE}')")), rel=0.2)
    memory = int(re.findall(r"^MemTotal: +(\d+) kB", db.file("/proc/meminfo").content_string, re.MULTILINE)[0])
    parts = dict(re.findall(r"^(\w+)\.value (\d+)$", measured["db"]["memory"][1], re.MULTILINE))
    assert int(parts["free"]) + int(parts["apps"]) + int(parts["cached"]) == pytest.approx(memory * 1024, rel=0.3)
    active = re.findall(r"total\.value (\d+)", measured["web"]["nginx_status"][1])
    assert int(active[0]) >= 1


def test_the_account_for_statistics_reads_no_data(db: Host) -> None:
    """It comes by the socket as itself, may read statistics, and cannot reach the application's database."""
    rights = "rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolpassword IS NULL"
    assert query(db, f"SELECT {rights} FROM pg_authid WHERE rolname = 'munin'") == "f|f|f|f|f|t"
    member = "SELECT string_agg(roleid::regrole::text, ',') FROM pg_auth_members WHERE member = 'munin'::regrole"
    assert query(db, member) == "pg_monitor"
    asks = "psql -XAtq -h /var/run/postgresql -U munin -c 'SELECT 1' -d"
    assert db.run(f"runuser -u munin -- {asks} postgres").stdout.strip() == "1"
    assert "no pg_hba.conf entry" in db.run(f"runuser -u munin -- {asks} {DATABASE}").stderr
    assert "Peer authentication failed" in db.run(f"runuser -u nobody -- {asks} postgres").stderr


def test_nginx_tells_its_numbers_on_loopback_alone(web: Host, lab: Lab) -> None:
    sockets = web.run("ss -Hltn 'sport = :8078'").stdout.splitlines()
    assert [line.split()[3] for line in sockets] == ["127.0.0.1:8078"]
