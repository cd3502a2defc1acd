"""What an independent scanner says of the front door: testssl.sh, run on another host of the network.

It knows nothing of the roles and brings its own protocols, so it also tries what a current OpenSSL cannot speak.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from reach import Host

from lab.settings import DOMAIN, Lab

REPORT = "/tmp/testssl.json"  # noqa: S108 - of a container that is thrown away
# Protocols, kinds of ciphers, HTTP headers, and the vulnerabilities that these do not answer already: all of testssl.sh
# takes minutes.
CHECKS = "-p -s -h -H -I -T -R -C -B"


@pytest.fixture(scope="module")
def report(monitor: Host, lab: Lab) -> dict[str, dict[str, Any]]:
    """Each finding by its name."""
    if not monitor.file("/usr/bin/testssl").exists:
        install = "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends testssl.sh"
        done = monitor.run(f"{install} || {{ apt-get update -qq && {install}; }}")
        assert done.rc == 0, done.stderr
    monitor.run(f"rm -f {REPORT}")
    done = monitor.run(
        f"testssl --quiet --color 0 --warnings off --nodns none --ip {lab.hosts['web']} --jsonfile {REPORT} {CHECKS}"
        f" web.{DOMAIN}:443 </dev/null"
    )
    findings = json.loads(monitor.file(REPORT).content_string)
    assert len(findings) > 25, done.stdout[-2000:]
    return {finding["id"]: finding for finding in findings}


def test_only_tls_1_2_and_1_3_are_spoken(report: dict[str, dict[str, Any]]) -> None:
    protocols = {name: report[name]["finding"] for name in ("SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3")}
    assert {name for name, said in protocols.items() if said.startswith("offered")} == {"TLS1_2", "TLS1_3"}, protocols


def test_no_weak_cipher_is_offered_and_every_one_has_forward_secrecy(report: dict[str, dict[str, Any]]) -> None:
    weak = {name: one["finding"] for name, one in report.items() if name.startswith("cipherlist_")}
    assert {name for name, said in weak.items() if said.startswith("offered")} <= {
        "cipherlist_STRONG_FS",
        "cipherlist_STRONG",
    }, weak


def test_browsers_are_told_to_insist_on_https(report: dict[str, dict[str, Any]]) -> None:
    assert report["HSTS_time"]["severity"] == "OK"


def test_nothing_is_found_that_is_worth_a_word(report: dict[str, dict[str, Any]]) -> None:
    """No known vulnerability, and nothing else above `INFO`."""
    named = ("heartbleed", "CCS", "ticketbleed", "secure_renego", "secure_client_renego", "CRIME_TLS", "BREACH")
    assert {name: report[name]["severity"] for name in named} == dict.fromkeys(named, "OK")
    bad = ("LOW", "MEDIUM", "HIGH", "CRITICAL", "WARN", "FATAL")
    # The scanner lacks GOST ciphers and says so; that is not about the server.
    found = {name: one["finding"] for name, one in report.items() if one["severity"] in bad}
    assert {name: said for name, said in found.items() if name != "engine_problem"} == {}
