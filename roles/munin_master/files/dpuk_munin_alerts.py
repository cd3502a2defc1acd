#!/usr/bin/python3
"""Tell people what munin finds, and what munin does not find out: that a host does not answer it.

    dpuk-munin-alerts tell      passes on munin's messages, which come in on standard input, a line each
    dpuk-munin-alerts watch     compares the hosts that should be watched with what munin has polled; tells what changed
    dpuk-munin-alerts try       passes on a test message; leaves with 1 when it could not be handed over

All as the account munin. /etc/dpuk/munin-alerts.json says who is told: people by mail, through the relay on this host,
and a command, which gets the text on standard input and DPUK_ALERT_STATE and DPUK_ALERT_SUBJECT in its environment.
What cannot be handed over is kept, and `watch`, which a timer runs every five minutes, tries again. It judges no
values: thresholds are munin's.
"""

from __future__ import annotations

import contextlib
import datetime
import email.policy
import fcntl
import json
import os
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

CONFIGURATION = Path("/etc/dpuk/munin-alerts.json")
STATE = Path("/var/lib/dpuk-munin")
RELAY = ("localhost", 25)
RANKS = ("CRITICAL", "WARNING", "UNKNOWN", "OK", "TEST")
MISSED = 2  # polls in a row without an answer, so that a restart between two is none
KEEP = 5 * 24 * 3600  # seconds that what cannot be handed over is kept: as long as the relay keeps mail
MANY = 10  # graphs of one host in one state, from which they share a line


class Alert(NamedTuple):
    """One thing to tell."""

    state: str  # one of RANKS
    host: str
    title: str
    details: tuple[str, ...]


class Polls(NamedTuple):
    """What munin says of its last round."""

    moment: float | None  # when it ended; None when there was none
    hosts: frozenset[str]  # who answered


def number(text: str) -> str:
    """Munin writes 0.00 for 0."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def allowed(limits: str) -> str:
    """Munin's `low:high` in words."""
    low, _, high = limits.partition(":")
    if low and high:
        return f"should be {low} to {high}"
    return f"should be at least {low}" if low else f"should be at most {high}"


def parse(line: str) -> Alert | None:
    """One message as `contact.dpuk.text` in munin.conf has it; None for an empty line."""
    if not line.strip():
        return None
    parts = [part.strip() for part in line.split("\t")]
    if len(parts) != 9:
        return Alert("UNKNOWN", "munin", "said what is not understood here", (line.strip(),))
    state, host, plugin, title, critical, warning, unknown, recovered_count, recovered = parts
    details = []
    for fields, what in ((critical, "critical"), (warning, "warning"), (unknown, "unknown"), (recovered, "recovered")):
        # Munin lists all that is well when nothing has recovered.
        if not fields or (what == "recovered" and recovered_count in ("", "0")):
            continue
        for field in fields.split("^"):
            label, value, limits, note = [*(word.strip() for word in field.split("~")), "", "", "", ""][:4]
            said = f"{label} is {number(value)}"
            if what == "recovered":
                said += " again"
            elif what != "unknown" and limits.strip(":"):
                said += f" ({what}: {allowed(limits)})"
            details.append(f"{said}; {note}" if note and what != "recovered" else said)
    return Alert(state, host, f"{title} [{plugin}]", tuple(details))


def compose(alerts: list[Alert], site: str, footer: str) -> tuple[str, str, str]:
    """Worst state, subject and text of one message about all of them."""
    alerts = sorted(alerts, key=lambda alert: (RANKS.index(alert.state) if alert.state in RANKS else 0, alert.host))
    first, others = alerts[0], len(alerts) - 1
    subject = f"[{site}] {first.state} {first.host}: {first.title}" + (f", and {others} more" if others else "")
    lines: list[str] = []
    done: set[tuple[str, str]] = set()
    for alert in alerts:
        same = [other for other in alerts if (other.state, other.host) == (alert.state, alert.host)]
        if len(same) >= MANY and alert.state in ("UNKNOWN", "OK"):
            if (alert.state, alert.host) not in done:
                done.add((alert.state, alert.host))
                told = "have no values" if alert.state == "UNKNOWN" else "are as they should be again"
                lines += [f"{alert.state}  {alert.host}: {len(same)} graphs {told}"]
                lines += [f"    {other.title}" for other in same]
            continue
        lines += [f"{alert.state}  {alert.host}: {alert.title}", *(f"    {detail}" for detail in alert.details)]
    return first.state, subject, "\n".join([*lines, "", footer]) + "\n"


def problems(
    nodes: dict[str, str],
    polls: Polls,
    newest: dict[str, float],
    memory: dict[str, Any],
    now: float,
    patience: float,
    booted: float = 0.0,
) -> dict[str, Alert]:
    """Host → what is wrong with it. The key is empty for munin itself, of whose silence all the rest would follow."""
    since = polls.moment if polls.moment is not None else memory["began"]
    # A monitor that was down has its own time to begin again.
    if now - max(since, booted) > patience:
        return {"": Alert("CRITICAL", "munin", f"has polled no host since {clock(since)}", (LOOK_AT_MUNIN,))}
    found = {}
    for host, address in nodes.items():
        seen = f"its last values are of {clock(newest[host])}" if host in newest else "it has never been polled"
        missed = memory["missed"].get(host, 0)
        if missed >= MISSED or (missed and host in memory["told"]):
            look = f"Is it up? On it: systemctl status munin-node; from here: openssl s_client -connect {address}"
            found[host] = Alert("CRITICAL", host, f"does not answer munin; {seen}", (look,))
        elif host in polls.hosts and since - newest.get(host, memory["known"][host]) > patience:
            look = "On it: tail /var/log/munin/munin-node.log; here: tail /var/log/munin/munin-update.log"
            found[host] = Alert("CRITICAL", host, f"answers munin, but gives no values; {seen}", (look,))
    return found


LOOK_AT_MUNIN = "On the monitoring host: systemctl status cron; tail /var/log/munin/munin-update.log"


def remember(memory: dict[str, Any], nodes: dict[str, str], polls: Polls, now: float) -> dict[str, Any]:
    """The memory after a look: who has missed how many rounds. A round is counted once, however often one looks."""
    missed = {host: int(memory.get("missed", {}).get(host, 0)) for host in nodes}
    if polls.moment is not None and polls.moment != memory.get("polls"):
        missed = {host: 0 if host in polls.hosts else count + 1 for host, count in missed.items()}
    return {
        "began": memory.get("began", now),
        "known": {host: memory.get("known", {}).get(host, now) for host in nodes},
        "polls": polls.moment,
        "missed": missed,
        "told": [host for host in memory.get("told", []) if host == "" or host in nodes],
    }


def news(found: dict[str, Alert], told: list[str]) -> list[Alert]:
    """What was not told yet, and what is over."""
    over = [host for host in told if host not in found and not ("" in found and host)]
    return [alert for host, alert in found.items() if host not in told] + [
        Alert("OK", host or "munin", "answers munin again" if host else "polls hosts again", ()) for host in over
    ]


def clock(moment: float) -> str:
    """In UTC, as logs of servers have it."""
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def read_polls(database: Path, group: str) -> Polls:
    """From munin-update.stats: a line UD|group;host|seconds for each host that answered."""
    file = database / "munin-update.stats"
    try:
        moment, lines = file.stat().st_mtime, file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return Polls(None, frozenset())
    answered = [line.split("|")[1] for line in lines if line.startswith("UD|")]
    return Polls(moment, frozenset(name.rpartition(";")[2] for name in answered if name.startswith(f"{group};")))


def newest_values(database: Path, group: str, nodes: dict[str, str]) -> dict[str, float]:
    """Host → the moment of its newest value. Asked of rrdtool: the files are mapped, so their own times lag behind."""
    found: dict[str, float] = {}
    for host in nodes:
        files = sorted((database / group).glob(f"{host}-*.rrd"))
        # A host's name may begin as another's does; a longer one that fits better has the file.
        longer = [f"{other}-" for other in nodes if other.startswith(f"{host}-")]
        files = [file for file in files if not file.name.startswith(tuple(longer))]
        asked = "".join(f"last {file}\n" for file in files)
        done = subprocess.run(["rrdtool", "-"], input=asked, capture_output=True, text=True, check=False)
        moments = [float(line) for line in done.stdout.splitlines() if line.strip().isdigit()]
        if moments:
            found[host] = max(moments)
    return found


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One at a time: munin and the timer may come together."""
    with (STATE / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write(path: Path, content: dict[str, Any]) -> None:
    """A whole file or none."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).replace(path)


def put_up(configuration: dict[str, Any], alerts: list[Alert]) -> None:
    """Keep a message until it is handed over."""
    if not alerts:
        return
    state, subject, text = compose(alerts, configuration["site"], configuration["footer"])
    ways = [way for way in ("mail_to", "command") if configuration[way]]
    waiting = STATE / "waiting"
    waiting.mkdir(exist_ok=True)
    message = {"state": state, "subject": subject, "text": text, "left": ways, "time": time.time()}
    write(waiting / f"{time.time_ns()}.json", message)


def hand_over(configuration: dict[str, Any], now: float) -> list[str]:
    """Pass on what waits, oldest first; why something still does."""
    complaints = []
    for file in sorted((STATE / "waiting").glob("*.json")):
        message = json.loads(file.read_text(encoding="utf-8"))
        for way in list(message["left"]):
            try:
                (send_mail if way == "mail_to" else run_command)(configuration[way], message)
            except (OSError, smtplib.SMTPException, subprocess.SubprocessError) as error:
                what = "Mail" if way == "mail_to" else "munin_master_alert_command"
                complaints.append(f"{what} could not be handed over: {type(error).__name__} {str(error)[:200]}")
            else:
                message["left"].remove(way)
                write(file, message)
        if not message["left"] or now - message["time"] > KEEP:
            file.unlink()
    return complaints


def send_mail(recipients: list[str], message: dict[str, Any]) -> None:
    """By the relay on this host: its sendmail would need more rights than the timer's unit has."""
    # Long lines stay whole, and can be searched for.
    mail = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=998))
    mail["From"], mail["To"], mail["Subject"] = "munin@localhost", ", ".join(recipients), message["subject"]
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message["text"])
    with smtplib.SMTP(*RELAY, timeout=30) as relay:
        relay.send_message(mail)


def run_command(words: list[str], message: dict[str, Any]) -> None:
    """Neither its words nor what it prints are told, for they may hold a secret; by hand one sees what it prints."""
    told = {"DPUK_ALERT_STATE": message["state"], "DPUK_ALERT_SUBJECT": message["subject"]}
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", **told}
    output = None if sys.stderr.isatty() else subprocess.DEVNULL
    options: dict[str, Any] = {"text": True, "env": environment, "stdout": output, "stderr": output, "timeout": 60}
    try:
        done = subprocess.run(words, input=message["text"], check=False, **options)
    except subprocess.TimeoutExpired:
        raise OSError("it took longer than 60 s") from None
    if done.returncode:
        raise OSError(f"it ended with {done.returncode}")


def watch(configuration: dict[str, Any], now: float) -> None:
    """Look once. The message is kept before the memory says that it was told."""
    database, group, nodes = Path(configuration["database"]), configuration["group"], configuration["nodes"]
    file = STATE / "memory.json"
    memory = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    polls = read_polls(database, group)
    memory = remember(memory, nodes, polls, now)
    patience = configuration["patience_minutes"] * 60
    booted = now - float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    found = problems(nodes, polls, newest_values(database, group, nodes), memory, now, patience, booted)
    put_up(configuration, news(found, memory["told"]))
    kept = [host for host in memory["told"] if "" in found and host]
    write(file, {**memory, "told": sorted({*found, *kept})})


def main(arguments: list[str]) -> int:
    """Tell, watch or try; the exit status."""
    if arguments not in (["tell"], ["watch"], ["try"]):
        print(__doc__, file=sys.stderr)
        return 2
    configuration: dict[str, Any] = json.loads(CONFIGURATION.read_text(encoding="utf-8"))
    # Munin writes while it judges: not locked before all is said.
    said = sys.stdin.read() if arguments == ["tell"] else ""
    with alone():
        if arguments == ["watch"]:
            watch(configuration, time.time())
        elif arguments == ["try"]:
            put_up(
                configuration, [Alert("TEST", os.uname().nodename, "this is how alarms look", ("Nothing is wrong.",))]
            )
        else:
            put_up(configuration, [alert for line in said.splitlines() if (alert := parse(line))])
        complaints = hand_over(configuration, time.time())
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
