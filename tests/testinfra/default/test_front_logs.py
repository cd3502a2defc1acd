"""nginx's logs hold who came from where and, when something fails, whole requests: no local user reads them."""

from __future__ import annotations

from reach import Host

LOGS = "/var/log/nginx"
ROTATE = """
log = "/var/log/nginx/dicom.log"
rules = open("/etc/logrotate.d/nginx").read()
assert "/var/log/nginx/*.log" in rules
open("/run/one-log.conf", "w").write(rules.replace("/var/log/nginx/*.log", log))
"""


def read_by_nobody(web: Host) -> list[str]:
    """The logs that an account without any rights can read."""
    names: list[str] = web.run(f"find {LOGS} -type f").stdout.split()
    assert {f"{LOGS}/{name}.log" for name in ("access", "error", "dicom")} <= set(names)
    return [name for name in names if web.run(f"runuser -u nobody -- head -c1 {name}").rc == 0]


def test_local_users_cannot_read_the_logs(web: Host) -> None:
    assert read_by_nobody(web) == []


def test_nor_one_that_nginx_makes_when_it_starts(web: Host) -> None:
    log = f"{LOGS}/dicom.log"
    web.run(f"mv {log} {log}.kept")
    try:
        assert web.run("systemctl restart nginx").rc == 0
        assert web.file(log).exists
        assert web.file(log).mode & 0o007 == 0
    finally:
        web.run(f"mv {log}.kept {log}; systemctl restart nginx")


def test_nor_one_that_was_rotated(web: Host) -> None:
    """By the rules of the distribution, for one log; what was in it goes on in the next."""
    log = f"{LOGS}/dicom.log"
    web.run(f"echo a line of this test | tee -a {log}")
    assert web.run("python3 -c %s", ROTATE.strip().replace("\n", "; ")).rc == 0
    done = web.run("logrotate --force --state /run/one-log.state /run/one-log.conf")
    assert done.rc == 0, done.stderr
    assert "a line of this test" in web.file(f"{log}.1").content_string
    assert read_by_nobody(web) == []
    assert (web.file(log).user, web.file(log).group, web.file(log).mode) == ("www-data", "adm", 0o640)
    web.run("rm /run/one-log.conf /run/one-log.state")
