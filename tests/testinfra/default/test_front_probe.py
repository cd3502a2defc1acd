"""Nobody got in with admin/admin while the node was built: what a machine outside of it wrote down.

`make molecule` starts the probe before the first run of site.yml (molecule/prepare.yml); elsewhere there is no log.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from admin_probe import PORTS
from reach import Host

# Nobody there, a firewall, a server that closes the connection; "wrong password"; to https; nothing behind the door.
NO_WAY_IN = {
    443: {"401", "502", "503", "504"},
    80: {"301"},
    8080: set[str](),
}


@pytest.fixture(scope="module")
def tries(neighbour: Host) -> list[dict[str, Any]]:
    """Each try, in order."""
    log = neighbour.file("/admin_probe.log")
    if not log.exists:
        pytest.skip("the probe was not there when this lab was built; make molecule starts it")
    return [json.loads(line) for line in log.content_string.splitlines()]


@pytest.mark.parametrize("port", PORTS)
def test_admin_admin_never_got_an_answer_but_no(tries: list[dict[str, Any]], port: int) -> None:
    results = {one["result"] for one in tries if one["port"] == port}
    assert {result for result in results if result != "refused" and not result.startswith("none")} <= NO_WAY_IN[port]


def test_it_was_tried_before_while_and_after_the_node_was_built(tries: list[dict[str, Any]]) -> None:
    front = [one for one in tries if one["port"] == 443]
    opened = next(number for number, one in enumerate(front) if one["result"].isdigit())
    assert front[0]["result"] == "refused"
    assert opened > 20
    assert front[opened]["result"] == "401", "the first answer of the open door"
