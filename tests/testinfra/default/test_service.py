"""The service tomcat on web: its sandbox, what it can still do in it, and its logs."""

from __future__ import annotations

import json
import shlex
import uuid

from reach import Client, Host, program_text, python

from lab.settings import DOMAIN, Lab

LOGS = "/data/xnat/home/logs"
UNIT = "/etc/systemd/system/tomcat.service"

# What XNAT and its pipelines do, tried one by one. A list of what did not work as it should comes out.
INSIDE = """
import ctypes, json, mmap, os, socket, subprocess, sys, tempfile, threading
database, wrong = sys.argv[1], []

def works(what, act):
    try: act()
    except Exception as error: wrong.append(what + ": " + repr(error))

def fails(what, act):
    try: act()
    except OSError: return
    wrong.append(what + " is possible")

def write(path):
    with open(path, "w") as file: file.write("x")
    os.remove(path)

def listen(port):
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("0.0.0.0", port))
        door.listen()

def unshare(flags):
    if ctypes.CDLL(None).unshare(flags): raise OSError("refused")

for folder in ("archive", "prearchive", "cache", "build", "pipeline", "inbox", "home/logs", "home/work"):
    works("write to " + folder, lambda: write("/data/xnat/" + folder + "/sandbox-probe"))
works("write a temporary file", lambda: tempfile.TemporaryFile().write(b"x"))
works("write Tomcat's temporary files", lambda: write("/var/lib/tomcat/temp/sandbox-probe"))
works("run a program", lambda: subprocess.run(["sh", "-c", "cp -p /etc/hostname $TMPDIR && tar -cf - /etc/hostname"],
      check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": "/tmp"}))
works("compile as it runs", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC))
works("start a thread", lambda: threading.Thread(target=int).start())
works("reach the database by its name", lambda: socket.create_connection((database, 5432), 5).close())
works("reach a service on this host", lambda: socket.create_connection(("127.0.0.1", 8080), 5).close())
works("look up a name", lambda: socket.getaddrinfo("localhost", 25))
works("listen for DICOM", lambda: listen(8104))
works("use a local socket", lambda: socket.socketpair(socket.AF_UNIX))

for path in ("/etc", "/usr", "/opt/xnat", "/opt/tomcat", "/var/lib/tomcat/conf", "/data/xnat/home/config", "/home"):
    fails("write to " + path, lambda: write(path + "/sandbox-probe"))
fails("listen below port 1024", lambda: listen(104))
fails("open a raw socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
fails("change the host's name", lambda: socket.sethostname("sandbox-probe"))
fails("see another user's process", lambda: os.stat("/proc/1/status"))
fails("see a disk", lambda: os.stat("/dev/mem"))
fails("make a namespace", lambda: unshare(0x10000000))
print(json.dumps(wrong))
"""


def restrictions(web: Host) -> list[str]:
    """The lines of the unit that bind the service, as options of systemd-run."""
    leave = ("Exec", "Type", "Restart", "Timeout", "SuccessExitStatus", "Environment", "WorkingDirectory", "StartLimit")
    lines = web.file(UNIT).content_string.split("[Service]")[1].split("[Install]")[0].splitlines()
    return [f"--property={line}" for line in lines if "=" in line and not line.startswith(("#", *leave))]


def test_its_exposure_is_low(web: Host) -> None:
    """By systemd's own reckoning, of which 10 is the worst; what is asked for is 4.0."""
    said = web.run("systemd-analyze security --no-pager tomcat").stdout
    exposure = float(said.rpartition("tomcat.service:")[2].split()[0])
    assert exposure <= 2.0, said


def test_the_sandbox_lets_xnat_work_and_no_more(web: Host) -> None:
    """The unit's own restrictions around a program that tries it all."""
    command = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", *restrictions(web)]
    command += ["python3", "-c", program_text(INSIDE), f"db.{DOMAIN}"]
    done = web.run(" ".join(shlex.quote(word) for word in command))
    assert done.rc == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_the_access_log_names_the_client_and_believes_no_header(monitor: Host, web: Host, lab: Lab) -> None:
    """Tomcat sees nginx only; whom nginx saw is in the log, and not whom the client claims to be."""
    mark = f"/data/probe-{uuid.uuid4().hex}"
    program = (
        "import http.client, ssl, sys\n"
        "asked = http.client.HTTPSConnection(sys.argv[1], timeout=20, context=ssl._create_unverified_context())\n"
        "asked.request('GET', sys.argv[2], headers={'X-Forwarded-For': '198.51.100.7', 'X-Real-IP': '198.51.100.7'})\n"
        "print(asked.getresponse().status)\n"
    )
    assert python(monitor, program, f"web.{DOMAIN}", mark).rc == 0
    lines = web.run("cat /var/lib/tomcat/logs/access.*.log").stdout.splitlines()
    (line,) = [line for line in lines if mark in line]
    assert line.split()[0] == lab.hosts["monitor"]


def test_a_service_that_cannot_start_is_given_up(web: Host) -> None:
    """Not tried for ever, where nobody would see it."""
    shown = web.run("systemctl show tomcat -p Restart,StartLimitBurst,StartLimitIntervalUSec,RestartUSec").stdout
    found = dict(line.split("=", 1) for line in shown.split())
    assert found["Restart"] == "on-failure"
    assert found["StartLimitBurst"] == "6"
    assert found["StartLimitIntervalUSec"] != "0"


def test_rotated_logs_are_written_on(web: Host, client: Client) -> None:
    """A forced rotation: what was there is kept, and XNAT goes on at the beginning of the file it has open."""
    log, dated = f"{LOGS}/xnat-twin.log", f"{LOGS}/xdat.log.2020-01-01"
    assert web.run("runuser -u xnat -- cp /etc/hostname %s", dated).rc == 0
    before = web.run("cat %s", log).stdout
    assert before
    done = web.run("logrotate --force /etc/logrotate.d/xnat")
    assert (done.rc, done.stderr) == (0, "")
    assert web.file(log).size == 0
    assert web.run("zcat %s.1.gz", log).stdout == before
    assert client.get("/data/projects", auth=("nobody-there", "wrong")).status_code == 401
    after = web.file(log)
    assert "nobody-there" in after.content_string
    assert (after.user, after.group, after.mode & 0o007) == ("xnat", "xnat", 0)
    assert web.file(dated).exists
    web.run("rm %s", dated)


def test_old_logs_are_removed_and_young_ones_are_not(web: Host) -> None:
    """XNAT names its logs by the day and never removes one."""
    old, young = f"{LOGS}/xdat.log.2020-01-01", f"{LOGS}/xdat.log.2020-01-02"
    for path, age in ((old, "31 days ago"), (young, "29 days ago")):
        assert web.run("runuser -u xnat -- cp /etc/hostname %s", path).rc == 0
        assert web.run("touch -d %s %s", age, path).rc == 0
    try:
        assert web.run("systemctl is-enabled xnat-old-logs.timer").stdout.strip() == "enabled"
        done = web.run("systemctl start xnat-old-logs.service")
        assert (done.rc, done.stderr) == (0, "")
        assert not web.file(old).exists
        assert web.file(young).exists
    finally:
        web.run("rm -f %s %s", old, young)
