"""Alarms arrive: one for each threshold that is crossed, one when it is over; for a dead host, for one never polled.

All of it is one story, for each of its steps costs a run of the role or a round of polls: everything is bent in one run
of the role with other data and one host more, and put right by a second one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import authority
import lab_mailbox
import munin
import pytest
import yaml
from lab_mailbox import Mailbox
from reach import Host

from lab import playbook
from lab.settings import NEIGHBOUR, Lab

# What is lowered: host, plugin, field, and a limit that no value keeps to.
CLASSES = {
    "disk": ("web", "df", "overlay", "-1"),
    "inodes": ("web", "df_inode", "overlay", "-1"),
    "heap": ("web", "xnat_jvm_heap", "percent", "-1"),
    "connections": ("web", "xnat_jvm_pool", "open", "-1"),
    "backup": ("db", "xnat_backup", "age", "-1"),
    "certificate": ("monitor", "dpuk_certificates", "soonest", "99999:"),
    "XNAT down": ("web", "xnat_up", "up", "2:"),
}
HEARD = "/var/lib/dpuk-munin/heard"
STATUS = "/var/lib/dpuk/backup/status.json"
PORT = 5949
GRAPHS = "/var/cache/munin/www/dpuk"
each_class = pytest.mark.parametrize("name", CLASSES)


@dataclass
class Story:
    """What was there after each chapter."""

    texts: dict[str, list[str]] = field(default_factory=dict)  # all messages so far
    pages: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    heard: str = ""
    receivers: set[str] = field(default_factory=set)

    def count(self, chapter: str, words: str) -> int:
        """How often these words stand at the beginning of a line in the messages up to a chapter."""
        return sum(line.startswith(words) for text in self.texts[chapter] for line in text.splitlines())

    def of(self, chapter: str, plugin: str) -> list[str]:
        """States and hosts that were told of a plugin up to a chapter."""
        lines = [line for text in self.texts[chapter] for line in text.splitlines() if f"[{plugin}]" in line]
        return [line.split(":")[0] for line in lines if not line.startswith("Subject:")]


@pytest.fixture(scope="module")
def story(
    lab: Lab,
    monitor: Host,
    db: Host,
    neighbour: Host,
    passwords: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    """Bend, poll twice, put right, poll, stop a node, poll twice, start it, poll."""
    folder, told = tmp_path_factory.mktemp("munin"), Story()
    settings = write_settings(folder, lab)
    relay = lab_mailbox.opened(lab, neighbour, passwords["vault_mail_smarthost_password"])
    with munin.another_node(lab, monitor, "fourth", PORT), munin.by_hand(monitor), relay as box:
        authority.write(db, STATUS, now_backed_up(db))
        munin.poll(monitor)
        munin.look(monitor)
        monitor.run(f"rm -f {HEARD}")
        munin.settle(monitor)
        box.empty_once_delivered(monitor)
        play(settings, folder, more=True)
        munin.settle(monitor)
        for chapter in ("bent", "bent still"):
            munin.poll(monitor)
            munin.look(monitor)
            if chapter == "bent":
                box.wait("XNAT: up")
            note(told, chapter, box, monitor)
        box.wait("CRITICAL  never")
        note(told, "bent still", box, monitor)
        told.heard = monitor.file(HEARD).content_string
        play(settings, folder, more=False)
        munin.settle(monitor)
        munin.poll(monitor)
        munin.look(monitor)
        box.wait("OK  web: XNAT: up")
        note(told, "right", box, monitor)
        db.run("systemctl stop munin-node")
        munin.poll(monitor)
        munin.look(monitor)
        note(told, "one round without db", box, monitor)
        munin.poll(monitor)
        munin.look(monitor)
        box.wait("CRITICAL  db: does not answer")
        munin.poll(monitor)
        munin.look(monitor)
        note(told, "three rounds without db", box, monitor)
        db.run("systemctl start munin-node")
        munin.poll(monitor)
        munin.look(monitor)
        box.wait("OK  db: answers")
        note(told, "db is back", box, monitor)
        told.receivers = {address for message in box.messages() for address in message["to"]}
        yield told
    db.run(f"rm {STATUS}")


def write_settings(folder: Path, lab: Lab) -> Path:
    """Lower thresholds and a command; and beside them an inventory with a host that answers and one that does not."""
    lowered = [dict(zip(("hosts", "plugin", "field", "critical"), bent, strict=True)) for bent in CLASSES.values()]
    command = ["/usr/bin/tee", "-a", HEARD]
    settings = folder / "settings.yml"
    settings.write_text(
        yaml.safe_dump({"munin_master_thresholds_extra": lowered, "munin_master_alert_command": command})
    )
    fourth = {"private_address": lab.hosts["monitor"], "munin_node_port": PORT}
    never = {"private_address": lab.machines[NEIGHBOUR]}
    more = {"all": {"children": {"watched": {"hosts": {"fourth": fourth, "never": never}}}}}
    (folder / "more.yml").write_text(yaml.safe_dump(more))
    return settings


def play(settings: Path, folder: Path, *, more: bool) -> None:
    """The role on the monitor, with more data and hosts or as the inventory has it."""
    arguments = ["--limit", "monitor", "--tags", "munin_master"]
    if more:
        arguments += ["-i", str(folder / "more.yml"), "-e", f"@{settings}"]
    playbook.play("site.yml", arguments, log=folder / f"{more}.log")


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left(db: Host, monitor: Host) -> Iterator[None]:
    """Whatever happens here, the next tests find a node that is watched."""
    yield
    db.run("systemctl start munin-node")


def now_backed_up(db: Host) -> bytes:
    """A backup that was verified this moment."""
    now = db.run("date +%s").stdout.strip()
    return f'{{"finished": {now}, "verified": {now}, "bytes": 1024}}'.encode()


def note(told: Story, chapter: str, box: Mailbox, monitor: Host) -> None:
    """Write down what is there."""
    told.texts[chapter] = [message["text"].replace("\r\n", "\n") for message in box.messages()]
    told.pages[chapter] = monitor.run(f"ls {GRAPHS}; cat {GRAPHS}/index.html").stdout
    told.values[chapter] = monitor.run("ls /var/lib/munin/dpuk /var/lib/munin/removed/dpuk").stdout


@each_class
def test_what_crosses_a_threshold_is_told_once(story: Story, name: str) -> None:
    """In one message with the others, and not again in the next round."""
    host, plugin, _, _ = CLASSES[name]
    assert story.of("bent still", plugin) == [f"CRITICAL  {host}"]


@each_class
def test_and_once_when_it_is_over(story: Story, name: str) -> None:
    host, plugin, _, _ = CLASSES[name]
    assert story.of("db is back", plugin) == [f"CRITICAL  {host}", f"OK  {host}"]


def test_the_message_says_what_is_and_what_should_be(story: Story) -> None:
    [alarm] = [text for text in story.texts["bent"] if "[xnat_up]" in text]
    assert "up is 1 (critical: should be at least 2); XNAT 1.10.1" in alarm
    assert "Subject: [dpuk] CRITICAL " in alarm
    assert "https://monitor.dpuk.test/" in alarm
    assert story.receivers == {"admin@dpuk.test"}


def test_the_command_hears_what_is_mailed(story: Story) -> None:
    assert story.heard.count("[xnat_up]") == 1
    assert "CRITICAL  never: does not answer munin" in story.heard


def test_a_dead_node_is_told_after_two_rounds_once_and_its_return_once(story: Story) -> None:
    counts = [
        (story.count(chapter, "CRITICAL  db: does"), story.count(chapter, "OK  db: answers")) for chapter in story.texts
    ]
    assert counts == [(0, 0), (0, 0), (0, 0), (0, 0), (1, 0), (1, 1)]


def test_a_node_that_never_answered_is_told_and_forgotten_with_the_inventory(story: Story) -> None:
    assert story.count("bent", "CRITICAL  never:") == 0
    assert story.count("bent still", "CRITICAL  never: does not answer munin; it has never been polled") == 1
    assert story.count("db is back", "CRITICAL  never:") == 1
    assert story.count("db is back", "OK  never:") == 0


def test_one_host_more_in_the_inventory_is_watched(story: Story) -> None:
    assert "fourth" in story.pages["bent"]
    assert "fourth-load-load-g.rrd" in story.values["bent"]
    assert "fourth" not in "".join(text for text in story.texts["bent still"])


def test_one_host_less_is_gone_from_pages_and_watchdog(story: Story) -> None:
    """And its values are beside the others."""
    assert "fourth" not in story.pages["right"]
    assert "web" in story.pages["right"]
    watched, _, removed = story.values["right"].partition("/var/lib/munin/removed/dpuk:")
    assert "fourth" not in watched
    assert "fourth-load-load-g.rrd" in removed
    assert "fourth" not in "".join(text for text in story.texts["db is back"])
