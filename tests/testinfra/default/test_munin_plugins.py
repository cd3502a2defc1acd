"""What the node's own plugins say on real hosts is true: each is compared with a measure that knows nothing of them.

How they treat what is wrong is in tests/unit/munin, that values reach the monitor in test_munin_flow.py.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from munin_values import read, said
from reach import USER, Client, Host, connects, practice_receiver, python, query

from lab.settings import Lab

FIGURES = "http://127.0.0.1:8079/"
Answer = tuple[str, str]
STATUS = "/var/lib/dpuk/backup/status.json"
OWN = {
    "db": {"dpuk_certificates", "xnat_backup"},
    "web": {"dicom_port", "dpuk_certificates", "xnat_jvm", "xnat_storage", "xnat_up"},
    "monitor": {"dpuk_certificates"},
}


@pytest.fixture(scope="module")
def hosts(db: Host, web: Host, monitor: Host) -> dict[str, Host]:
    """The node's hosts by name."""
    return {"db": db, "web": web, "monitor": monitor}


@pytest.fixture(scope="module")
def told(hosts: dict[str, Host]) -> dict[str, dict[str, Answer]]:
    """What each plugin of each host says, asked once: `config`, and values."""
    wanted = [(name, plugin, word) for name in OWN for plugin in sorted(OWN[name]) for word in ("config", "")]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: hosts[one[0]].run(f"munin-run {one[1]} {one[2]}"), wanted))
    found: dict[str, dict[str, Answer]] = {name: {} for name in OWN}
    for (name, plugin, word), done in zip(wanted, answers, strict=True):
        assert (done.rc, done.stderr) == (0, ""), f"{name}: {plugin} {word}: {done.stderr}"
        config, values = found[name].get(plugin, ("", ""))
        found[name][plugin] = (done.stdout, values) if word else (config, done.stdout)
    return found


@pytest.mark.parametrize("name", OWN)
def test_each_host_has_those_of_its_role_and_each_explains_itself(
    hosts: dict[str, Host], told: dict[str, dict[str, Answer]], name: str
) -> None:
    links = hosts[name].run("find /etc/munin/plugins -lname '*/dpuk_munin/plugin.py' -printf '%f\\n'").stdout.split()
    assert {link for link in links if not link.startswith("postgres_")} - {"clock"} == OWN[name]
    words = {"graph_title", "graph_vlabel", "graph_category", "graph_info"}
    for plugin, (config, values) in told[name].items():
        assert {word for word in words if f"{word} " in config} == words, plugin
        fields = {graph: set(labels) for graph, labels in read(config, plugin, "label").items()}
        assert fields, plugin
        assert fields == {graph: set(known) for graph, known in read(values, plugin, "value").items()}, plugin


def test_nothing_is_unknown_but_what_is_not_there_yet(told: dict[str, dict[str, Answer]]) -> None:
    """No backup has been verified here, and the practice XNAT has no DICOM receiver."""
    unknown = {
        (name, graph, field)
        for name, plugins in told.items()
        for plugin, (_, said_of_it) in plugins.items()
        for graph, values in read(said_of_it, plugin, "value").items()
        for field, value in values.items()
        if value == "U"
    }
    assert unknown == {
        ("db", "xnat_backup", "age"),
        ("db", "xnat_backup_size", "size"),
        ("web", "dicom_port_time", "receiver"),
    }


def test_xnat_is_up_in_the_version_that_clients_are_told(told: dict[str, dict[str, Answer]], client: Client) -> None:
    version = client.get("/xapi/siteConfig/buildInfo").json()["version"]
    _, values = told["web"]["xnat_up"]
    assert read(values, "xnat_up", "value")["xnat_up"]["up"] == "1"
    assert read(values, "xnat_up", "extinfo")["xnat_up"]["up"] == f"XNAT {version}"
    assert 0 < float(read(values, "xnat_up", "value")["xnat_up"]["answer"]) < 10


def test_heap_and_threads_are_those_of_tomcats_process(web: Host) -> None:
    process = web.run("systemctl show -p MainPID --value tomcat").stdout.strip()
    command = web.file(f"/proc/{process}/cmdline").content.split(b"\0")
    most = next(word for word in command if word.startswith(b"-Xmx")).decode().removeprefix("-Xmx")
    found = said(web, "xnat_jvm")
    heap = {field: float(value) for field, value in found["xnat_jvm"].items()}
    assert heap["max"] == int(most[:-1]) << {"k": 10, "m": 20, "g": 30}[most[-1].lower()]
    assert 0 < heap["kept"] <= heap["committed"] <= heap["max"]
    assert 0 < heap["used"] <= heap["committed"]
    assert float(found["xnat_jvm_heap"]["percent"]) == pytest.approx(100 * heap["kept"] / heap["max"], abs=0.1)
    # The kernel counts those of Java itself, too: for compiling and for freeing memory.
    tasks = len(web.run(f"ls /proc/{process}/task").stdout.split())
    assert 5 < float(found["xnat_jvm_threads"]["live"]) <= tasks


def test_every_request_is_counted_and_refused_ones_as_errors(web: Host, client: Client) -> None:
    before = {field: int(value) for field, value in said(web, "xnat_jvm")["xnat_jvm_requests"].items()}
    for _ in range(7):
        assert client.get("/data/projects/no-such-project").status_code == 404
    after = {field: int(value) for field, value in said(web, "xnat_jvm")["xnat_jvm_requests"].items()}
    assert after["requests"] - before["requests"] >= 7
    assert after["errors"] - before["errors"] >= 7


def test_connections_are_those_that_postgresql_sees(web: Host, db: Host, lab: Lab, client: Client) -> None:
    statement = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{USER}' AND client_addr = '{lab.hosts['web']}'"
    client.get("/data/projects")  # so that there is one
    seen: set[tuple[int, int]] = set()
    for _ in range(20):  # a pool opens and closes connections as it likes
        seen.add((int(query(db, statement)), int(said(web, "xnat_jvm")["xnat_jvm_pool"]["open"])))
        if any(theirs == ours > 0 for theirs, ours in seen):
            break
    assert any(theirs == ours > 0 for theirs, ours in seen), seen


# A pool of DBCP's, as XNAT's is, by the name that xnat-conf.properties gives XNAT's; its driver connects to nothing.
POOL = """<%@ page session="false" contentType="text/plain" import="java.lang.reflect.*,java.sql.*" %><%!
    static Object stand_in(Class<?> kind) {
        return Proxy.newProxyInstance(kind.getClassLoader(), new Class<?>[] {kind}, (self, method, words) -> {
            Class<?> wanted = method.getReturnType();
            return wanted == boolean.class ? (Object) !method.getName().equals("isClosed")
                : wanted == int.class ? (Object) 0
                : method.getName().equals("connect") ? stand_in(Connection.class) : null;
        });
    }
%><%
    org.apache.tomcat.dbcp.dbcp2.BasicDataSource pool = new org.apache.tomcat.dbcp.dbcp2.BasicDataSource();
    pool.setJmxName("@NAME@");
    pool.setDriver((Driver) stand_in(Driver.class));
    pool.setUrl("jdbc:none");
    pool.setMaxTotal(9);
    try (Connection one = pool.getConnection(); Connection two = pool.getConnection()) {
        out.print(new String(new java.net.URL("@FIGURES@").openStream().readAllBytes()));
    } finally {
        pool.close();
    }
%>"""


def test_a_pool_of_the_name_in_xnats_settings_tells_how_many_are_at_work(web: Host) -> None:
    """The practice XNAT has no such pool, so one is made beside the page of figures, with two connections taken."""
    settings = web.file("/data/xnat/home/config/xnat-conf.properties").content_string
    name = re.findall(r"^datasource\.jmxName=(.+)$", settings, re.MULTILINE)[0]
    page = "/var/lib/tomcat/figures/pool.jsp"
    write = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
    assert python(web, write, page, POOL.replace("@NAME@", name).replace("@FIGURES@", FIGURES)).rc == 0
    try:
        web.run(f"chown root:xnat {page}")
        done = python(web, f"import urllib.request as r; print(r.urlopen('{FIGURES}pool.jsp').read().decode())")
    finally:
        web.run(f"rm {page}")
    assert "\npool_active 2\n" in done.stdout, done.stdout + done.stderr
    assert set(said(web, "xnat_jvm")["xnat_jvm_pool"]) == {"open", "max"}


def test_figures_are_on_loopback_alone_and_not_behind_the_front_door(
    web: Host, monitor: Host, lab: Lab, client: Client
) -> None:
    sockets = web.run("ss -Hltn 'sport = :8079'").stdout.splitlines()
    assert [line.split()[3] in ("127.0.0.1:8079", "[::ffff:127.0.0.1]:8079") for line in sockets] == [True]
    assert not connects(monitor, lab.hosts["web"], 8079)
    for path in ("/index.jsp", "/figures/index.jsp", "/"):
        assert "heap_used" not in client.get(path).text


@pytest.fixture
def large_file(web: Host) -> Iterator[int]:
    """A file of 5 MiB in the archive that was not there before."""
    web.run("systemctl start dpuk-storage")
    web.run("runuser -u xnat -- dd if=/dev/zero of=/data/xnat/archive/munin-test bs=1M count=5")
    yield 5 << 20
    web.run("rm /data/xnat/archive/munin-test")
    web.run("systemctl start dpuk-storage")


def test_folders_are_as_large_as_another_counts_them(web: Host, large_file: int) -> None:
    before = said(web, "xnat_storage")
    assert web.run("systemctl start dpuk-storage").rc == 0
    found = said(web, "xnat_storage")
    for graph in ("xnat_storage", "xnat_storage_growth"):
        assert int(found[graph]["archive"]) - int(before[graph]["archive"]) == large_file, graph
    assert float(found["xnat_storage_age"]["age"]) < 0.1
    program = (
        "import os\n"
        "tree = list(os.walk('/data/xnat/archive'))\n"
        "print(sum(os.lstat(os.path.join(top, name)).st_size for top, _, names in tree for name in names))\n"
        "print(sum(os.lstat(top).st_size for top, _, _ in tree))\n"
    )
    files, folders = map(int, python(web, program).stdout.split())
    assert (
        files <= int(found["xnat_storage"]["archive"]) <= files + folders
    )  # newer ones of du count folders as nothing


def test_free_space_is_what_df_says(web: Host) -> None:
    free = float(next(iter(said(web, "xnat_storage")["xnat_storage_free"].values())))
    other = int(web.run("df --output=avail --block-size=1 /data/xnat/archive").stdout.split()[-1])
    assert free == pytest.approx(other, rel=0.2)  # other hosts of this machine write to the same disk


def test_the_count_is_made_every_hour_by_xnats_own_account_which_cannot_write_there(web: Host) -> None:
    assert web.run("systemctl is-enabled dpuk-storage.timer").stdout.strip() == "enabled"
    state = web.file("/var/lib/dpuk/storage/state.json")
    assert (state.user, state.mode) == ("xnat", 0o644)
    writable = web.run("systemctl show -p ReadWritePaths -p ProtectSystem -p User dpuk-storage").stdout.split()
    assert sorted(writable) == ["ProtectSystem=strict", "ReadWritePaths=", "User=xnat"]


def test_days_left_are_those_of_the_certificate_that_is_shown(
    told: dict[str, dict[str, Answer]], web: Host, monitor: Host
) -> None:
    """Asked by TLS, by openssl: of the front doors and, as it speaks its own way first, PostgreSQL."""
    for name, field, asking, where in (
        ("web", "front_door", monitor, "-connect web.dpuk.test:443 -servername web.dpuk.test"),
        ("monitor", "front_door", monitor, "-connect monitor.dpuk.test:443 -servername monitor.dpuk.test"),
        ("db", "postgresql", web, "-starttls postgres -connect db.dpuk.test:5432"),
    ):
        shown = asking.run(f"openssl s_client {where} </dev/null 2>/dev/null | openssl x509 -noout -enddate").stdout
        end = time.mktime(time.strptime(shown.strip(), "notAfter=%b %d %H:%M:%S %Y GMT")) - time.timezone
        said_of_it = read(told[name]["dpuk_certificates"][1], "dpuk_certificates", "value")["dpuk_certificates"]
        found = {file: float(value) for file, value in said_of_it.items()}
        assert found[field] == pytest.approx((end - time.time()) / 86400, abs=0.1)
        assert found["unreadable"] == 0
        assert found["soonest"] == min(days for file, days in found.items() if file not in ("soonest", "unreadable"))


def test_a_dicom_receiver_that_comes_and_goes_is_seen(web: Host) -> None:
    with practice_receiver(web):
        assert said(web, "dicom_port")["dicom_port"] == {"receiver": "1", "front": "1"}
    assert said(web, "dicom_port")["dicom_port"] == {"receiver": "0", "front": "1"}


def test_a_verified_backup_has_its_age_and_size(db: Host) -> None:
    status = json.dumps({"finished": time.time() - 5 * 86400, "verified": time.time() - 4 * 86400, "bytes": 123456789})
    db.run("install -d -m 0755 /var/lib/dpuk /var/lib/dpuk/backup")
    try:
        assert python(db, "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", STATUS, status).rc == 0
        found = said(db, "xnat_backup")
    finally:
        db.run(f"rm {STATUS}")
    assert float(found["xnat_backup"]["age"]) == pytest.approx(5, abs=0.1)
    assert (found["xnat_backup"]["missing"], found["xnat_backup_size"]["size"]) == ("0", "123456789")


def test_settings_of_plugins_are_roots_and_tell_no_password(hosts: dict[str, Host], passwords: dict[str, str]) -> None:
    loose = "find /usr/local/lib/dpuk /var/lib/tomcat/figures ! -user root -o -perm /022 ! -type l"
    for name, host in hosts.items():
        file = "/etc/munin/plugin-conf.d/zzz-dpuk"
        done = host.run(f"stat -c '%U %G %a' {file}; cat {file}; {loose} 2>/dev/null | sed 's/^/LOOSE /'").stdout
        assert done.startswith("root munin 640\n"), name
        assert "[dpuk_certificates]" in done, name
        assert not [secret for secret in passwords.values() if secret in done], name
        assert "LOOSE" not in done, done


def test_plugins_run_under_accounts_without_rights(web: Host) -> None:
    """By the settings for their names, in a folder where each is a program that says who it is."""
    names = sorted(OWN["web"])
    web.run("install -d -m 0755 /run/spies && printf '#!/bin/sh\\nid -un\\nid -Gn\\n' > /run/spies/spy")
    web.run(f"cd /run/spies && chmod 0755 spy && for name in {' '.join(names)}; do ln -s spy $name; done")
    try:
        accounts = {name: web.run(f"munin-run --servicedir /run/spies {name}").stdout.split() for name in names}
    finally:
        web.run("rm -r /run/spies")
    assert {name: words[0] for name, words in accounts.items() if words[0] != "nobody"} == {"dpuk_certificates": "root"}
    assert {name for name, words in accounts.items() if "xnat" in words} == {"xnat_storage"}
