"""What dpuk-munin-alerts makes of munin's messages and of its silence, and that nothing it was given is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from roles_tree import load_module

alerts = load_module("roles/munin_master/files/dpuk_munin_alerts.py")

NODES = {"db": "192.0.2.11:4949", "web": "192.0.2.12:4949"}
NOW = 1_800_000_000.0
PATIENCE = 900.0


def message(state: str, critical: str = "", warning: str = "", unknown: str = "", recovered: str = "") -> str:
    """As munin writes it with the text in munin.conf; what is well is listed when nothing has recovered."""
    count = str(len(recovered.split("^"))) if recovered else "0"
    fields = [critical, warning, unknown, count, recovered or "fine~1.00~~"]
    return "\t".join([state, "web", "df", "Disk usage", *fields])


def test_a_message_says_what_is_wrong_and_what_should_be() -> None:
    alert = alerts.parse(
        message("CRITICAL", critical="/data~97.50~:95~^up~0.00~1:~version 1.10.1", warning="/~88.00~10:85~")
    )
    assert (alert.state, alert.host, alert.title) == ("CRITICAL", "web", "Disk usage [df]")
    assert alert.details == (
        "/data is 97.5 (critical: should be at most 95)",
        "up is 0 (critical: should be at least 1); version 1.10.1",
        "/ is 88 (warning: should be 10 to 85)",
    )


def test_what_has_recovered_is_told_and_what_was_well_all_the_time_is_not() -> None:
    assert alerts.parse(message("OK", recovered="/data~80.00~~")).details == ("/data is 80 again",)
    assert alerts.parse(message("CRITICAL", critical="/data~97~:95~")).details == (
        "/data is 97 (critical: should be at most 95)",
    )


def test_what_is_not_understood_is_passed_on_all_the_same() -> None:
    assert alerts.parse("something else").details == ("something else",)
    assert alerts.parse("  ") is None


def test_one_message_for_a_round_begins_with_the_worst() -> None:
    told = [alerts.Alert("OK", "db", "Load", ()), alerts.Alert("CRITICAL", "web", "XNAT", ("up is 0",))]
    state, subject, text = alerts.compose(told, "dpuk", "Graphs: https://monitor/")
    assert (state, subject) == ("CRITICAL", "[dpuk] CRITICAL web: XNAT, and 1 more")
    assert text == "CRITICAL  web: XNAT\n    up is 0\nOK  db: Load\n\nGraphs: https://monitor/\n"


def test_many_unknown_graphs_of_a_dead_host_are_one_paragraph() -> None:
    told = [alerts.Alert("UNKNOWN", "web", f"graph {number}", ("x is unknown",)) for number in range(12)]
    text = alerts.compose(told, "dpuk", "")[2]
    assert text.startswith("UNKNOWN  web: 12 graphs have no values\n    graph 0\n")
    assert "x is unknown" not in text


def rounds(*polled: str | None, nodes: dict[str, str] = NODES) -> list[list[str]]:
    """What is told after each round of munin, given who answered in it (`db web`; None: no round came)."""
    memory: dict[str, Any] = {}
    newest = dict.fromkeys(nodes, NOW)
    told = []
    moment: float | None = None
    for number, answered in enumerate(polled):
        now = NOW + 300 * number
        if answered is not None:
            moment = now
            newest.update({host: now for host in answered.split() if host in newest})
        polls = alerts.Polls(moment, frozenset((answered or "").split()))
        for _ in range(2):  # looking twice at one round is the same as once
            memory = alerts.remember(memory, nodes, polls, now)
            found = alerts.problems(nodes, polls, newest, memory, now, PATIENCE)
            news = alerts.news(found, memory["told"])
            if _ == 0:
                told.append([f"{alert.state} {alert.host}" for alert in news])
            else:
                assert news == []
            memory["told"] = sorted({*found, *(host for host in memory["told"] if "" in found and host)})
    return told


def test_a_dead_host_is_told_after_two_rounds_once_and_its_return_once() -> None:
    assert rounds("db web", "db", "db", "db", "db", "db web", "db web") == [
        [],
        [],
        ["CRITICAL web"],
        [],
        [],
        ["OK web"],
        [],
    ]


def test_a_restart_between_two_polls_is_no_alarm() -> None:
    assert rounds("db web", "db", "db web", "db", "db web") == [[]] * 5


def test_a_host_that_comes_and_goes_is_not_told_as_well_before_it_is() -> None:
    assert rounds("db", "db", "db web", "db", "db web")[1:] == [["CRITICAL web"], ["OK web"], [], []]


def test_munin_s_own_silence_is_told_and_not_as_the_death_of_every_host() -> None:
    """From the first look on, for it may never have run; the hosts' own troubles wait until it speaks again."""
    assert rounds("db web", None, None, None, None, "db web") == [[], [], [], [], ["CRITICAL munin"], ["OK munin"]]
    assert rounds(None, None, None, None, None)[4] == ["CRITICAL munin"]
    assert rounds("db", "db", None, None, None, None, "db", "db web")[1:] == [
        ["CRITICAL web"],
        [],
        [],
        [],
        ["CRITICAL munin"],
        ["OK munin"],
        ["OK web"],
    ]


def test_a_host_that_was_never_polled_is_told_as_such() -> None:
    polls = alerts.Polls(NOW, frozenset(["db"]))
    memory = {"began": NOW - 600, "known": dict.fromkeys(NODES, NOW), "missed": {"db": 0, "web": 2}, "told": []}
    found = alerts.problems(NODES, polls, {"db": NOW}, memory, NOW, PATIENCE)
    assert list(found) == ["web"]
    assert "never been polled" in found["web"].title
    assert "192.0.2.12" in found["web"].details[0]


def test_a_host_that_answers_without_values_is_told() -> None:
    polls = alerts.Polls(NOW, frozenset(NODES))
    memory = {"began": 0.0, "known": dict.fromkeys(NODES, 0.0), "missed": {"db": 0, "web": 0}, "told": []}
    found = alerts.problems(NODES, polls, {"db": NOW, "web": NOW - 1000}, memory, NOW, PATIENCE)
    assert list(found) == ["web"]
    assert "gives no values" in found["web"].title


def test_a_new_host_is_no_trouble_before_its_first_round() -> None:
    """Munin has been watching others for days, and its last round did not know the new one yet."""
    polls = alerts.Polls(NOW, frozenset(["db"]))
    memory = alerts.remember({"began": 0.0, "polls": NOW, "missed": {"db": 0}, "told": []}, NODES, polls, NOW)
    assert alerts.problems(NODES, polls, {"db": NOW}, memory, NOW, PATIENCE) == {}


def test_a_monitor_that_was_down_for_long_has_time_to_begin_again() -> None:
    """Its last round is old, and so are its values; neither is anybody's trouble before the next round is due."""
    polls = alerts.Polls(NOW - 9000, frozenset(NODES))
    memory = {"known": dict.fromkeys(NODES, 0.0), "missed": dict.fromkeys(NODES, 0), "told": []}
    newest = dict.fromkeys(NODES, NOW - 9000)
    assert alerts.problems(NODES, polls, newest, memory, NOW, PATIENCE, NOW - 120) == {}
    assert list(alerts.problems(NODES, polls, newest, memory, NOW, PATIENCE, NOW - 1000)) == [""]


def test_a_removed_host_is_forgotten() -> None:
    memory = alerts.remember(
        {"began": NOW, "polls": 1.0, "missed": {"old": 5}, "told": ["old"]},
        NODES,
        alerts.Polls(2.0, frozenset(NODES)),
        NOW,
    )
    assert memory["told"] == []
    assert set(memory["missed"]) == set(NODES)


def test_who_answered_is_read_from_munins_own_statistics(tmp_path: Path) -> None:
    (tmp_path / "munin-update.stats").write_text("UD|dpuk;web|0.81\nUD|other;db|1.00\nUT|2.11\n")
    assert alerts.read_polls(tmp_path, "dpuk").hosts == {"web"}
    assert alerts.read_polls(tmp_path / "nowhere", "dpuk").moment is None


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A command that writes down what it is given, and a state folder."""
    monkeypatch.setattr(alerts, "STATE", tmp_path)
    program = tmp_path / "hook"
    program.write_text(
        f'#!/bin/sh\n[ -e {tmp_path}/broken ] && exit 3\n{{ echo "$DPUK_ALERT_SUBJECT"; cat; }} >> {tmp_path}/got\n'
    )
    program.chmod(0o755)
    return {"site": "dpuk", "footer": "", "mail_to": [], "command": [str(program)]}


def test_what_cannot_be_handed_over_is_kept_in_order_and_tried_again(
    configuration: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "broken").touch()
    for title in ("first", "second"):
        alerts.put_up(configuration, [alerts.Alert("WARNING", "web", title, ())])
    assert len(alerts.hand_over(configuration, 0.0)) == 2
    (tmp_path / "broken").unlink()
    assert alerts.hand_over(configuration, 0.0) == []
    got = (tmp_path / "got").read_text()
    assert got.index("web: first") < got.index("web: second")
    assert alerts.hand_over(configuration, 0.0) == []
    assert (tmp_path / "got").read_text() == got


def test_a_mail_that_left_is_not_sent_again_because_the_command_fails(
    configuration: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(alerts, "send_mail", lambda to, told: sent.append(told["subject"]))
    (tmp_path / "broken").touch()
    alerts.put_up({**configuration, "mail_to": ["ops@example.org"]}, [alerts.Alert("OK", "web", "again", ())])
    for _ in range(3):
        assert alerts.hand_over({**configuration, "mail_to": ["ops@example.org"]}, 0.0) != []
    assert sent == ["[dpuk] OK web: again"]
    [kept] = (tmp_path / "waiting").glob("*.json")
    assert json.loads(kept.read_text())["left"] == ["command"]


def test_why_it_fails_does_not_tell_the_commands_words(configuration: dict[str, Any], tmp_path: Path) -> None:
    """A webhook's address is a password."""
    (tmp_path / "broken").touch()
    configuration["command"].append("https://hooks.example.org/sentinel")
    alerts.put_up(configuration, [alerts.Alert("OK", "web", "x", ())])
    [complaint] = alerts.hand_over(configuration, 0.0)
    assert "ended with 3" in complaint
    assert "sentinel" not in complaint


def test_mail_says_who_from_and_that_no_person_wrote_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Relay:
        def __init__(self, *_: object, **__: object) -> None: ...
        def __enter__(self) -> Relay:
            return self

        def __exit__(self, *_: object) -> None: ...
        def send_message(self, mail: Any) -> None:
            sent.append(mail)

    monkeypatch.setattr(alerts.smtplib, "SMTP", Relay)
    alerts.send_mail(["a@example.org", "b@example.org"], {"subject": "[dpuk] OK web", "text": "Wieder gut: ü.\n"})
    [mail] = sent
    assert (mail["To"], mail["Subject"]) == ("a@example.org, b@example.org", "[dpuk] OK web")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content() == "Wieder gut: ü.\n"
