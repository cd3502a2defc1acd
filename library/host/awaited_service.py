#!/usr/bin/python
"""Wait until a service answers over HTTP as it should, and say why when it does not.

It ends as soon as systemd has given the service up, and then shows the lines of its journal and logs that tell why. An
answer counts if the socket that listens there is the service's: whoever asks next sends a password. It starts and stops
nothing.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host.listeners import Listener, listeners, outsider
from ansible.module_utils.host.systemd import Unit

DOCUMENTATION = r"""
module: awaited_service
short_description: Wait until a service answers over HTTP
description:
  - Asks O(url) until it answers 200 and a JSON object with the values of O(expect), or until O(timeout) is over.
    An answer that is one line of plain text counts as an object whose C(text) is that line.
  - Ends at once when the unit has failed or is not running; when systemd tries again by itself, the next try counts.
  - Ends when a process that is not of the unit has the port, before anything is sent to it.
  - The failure quotes what the service's journal and O(logs) said since its last start, without the secrets.
options:
  name: {description: Unit name., type: str, required: true}
  url: {description: "What to ask, at an address of this host.", type: str, required: true}
  expect:
    description: What the answer must say; values are compared as text.
    type: dict
    default: {}
  timeout: {description: Seconds that the first good answer may take., type: int, default: 600}
  logs:
    description: Patterns of names of the service's own logs.
    type: list
    elements: path
    default: []
  secrets_in:
    description: Files whose passwords must not be quoted.
    type: list
    elements: path
    default: []
author: DPUK node project
"""

EXAMPLES = r"""
- name: Wait until XNAT answers
  awaited_service:
    name: tomcat
    url: http://127.0.0.1:8080/xapi/siteConfig/buildInfo
    expect: {version: "1.10.1"}
    logs: [/data/xnat/home/logs/*.log]
    secrets_in: [/data/xnat/home/config/xnat-conf.properties]
"""

RETURN = r"""
answer: {description: What the service said., type: dict, returned: success}
waited: {description: Seconds until it did., type: float, returned: success}
"""

PAUSE = 1.0  # seconds
PATIENCE = 30.0  # seconds for one answer
LINE = 200  # characters of an answer that is one line

_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url: str) -> tuple[int, str, dict[str, Any]]:
    """The status (0 when there was no answer), what to say about it, and the JSON object or line of text that came."""
    try:
        with _NO_PROXY.open(url, timeout=PATIENCE) as response:
            status, body = response.status, response.read(1 << 20)
    except urllib.error.HTTPError as error:
        return error.code, f"HTTP {error.code}", {}
    except (OSError, ValueError) as error:
        return 0, f"no answer ({error})", {}
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return status, f"HTTP {status}", answer
    line = body.decode("utf-8", "replace").strip()
    if 0 < len(line) <= LINE and "\n" not in line and "<" not in line:
        return status, f"HTTP {status}", {"text": line}
    return status, "a page that is not JSON", {}


class Watched:
    """A URL that is asked while the socket behind it belongs to one unit, and not otherwise."""

    def __init__(self, url: str, unit: str) -> None:
        """Nothing is asked yet."""
        parts = urlsplit(url)
        self.url, self._unit = url, unit
        self.place = parts.netloc
        self._address, self._port = parts.hostname or "", parts.port or 80

    def ask(self) -> tuple[int, str, dict[str, Any]]:
        """As the function ask; status 0 as well when it was not the unit that answered."""
        before = self._sockets()
        if not before:
            return 0, "no answer (nobody listens)", {}
        if outsider(before, [self._unit]):
            return 0, "no answer of its own", {}
        answer = ask(self.url)
        # Another one took the port meanwhile: it may have been that one.
        return answer if self._sockets() == before else (0, "no answer of its own", {})

    def stranger(self) -> str:
        """Who else has the port, in words, at two looks: one may catch a process that is just ending."""
        who: str = outsider(self._sockets(), [self._unit])
        if who:
            time.sleep(PAUSE)
        return who if who and who == outsider(self._sockets(), [self._unit]) else ""

    def _sockets(self) -> list[Listener]:
        found: list[Listener] = listeners(self._port, self._address)
        return found


def differences(answer: dict[str, Any], expect: dict[str, Any]) -> list[str]:
    """What the answer says otherwise than expected, in words."""
    return [
        f"{name} is {answer.get(name)!s} and should be {value}"
        for name, value in sorted(expect.items())
        if str(answer.get(name)) != str(value)
    ]


def given_up(properties: dict[str, str], restarts_before: int) -> bool:
    """Whether no answer will come: it failed or was stopped, or failed once more since systemd began to try again."""
    if properties.get("ActiveState") in ("failed", "inactive"):
        return True
    tries = int(properties.get("NRestarts") or 0)
    waits = properties.get("SubState", "").startswith("auto-restart")
    return waits and tries > restarts_before


def main() -> None:
    """Ask, look, wait, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
            "expect": {"type": "dict", "default": {}},
            "timeout": {"type": "int", "default": 600},
            "logs": {"type": "list", "elements": "path", "default": []},
            "secrets_in": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    options = module.params
    name, url, timeout = options["name"], options["url"], options["timeout"]
    if module.check_mode:
        module.exit_json(changed=False, answer={}, waited=0.0)
    unit = Unit(module, name)
    watched = Watched(url, name)
    began = time.monotonic()
    before: int | None = None

    def give_up(reason: str) -> None:
        why = unit.why(options["logs"], options["secrets_in"])
        module.fail_json(msg=f"{reason} For {name} {why}")

    while True:
        if who := watched.stranger():
            module.fail_json(
                msg=f"{watched.place} is taken by {who}, and not by the service {name}. It got nothing from here: it "
                f"could pose as {name} and collect passwords. See who has started it, stop it there, and run again."
            )
        status, said, answer = watched.ask()
        waited = round(time.monotonic() - began, 1)
        if status == 200 and not (wrong := differences(answer, options["expect"])):
            module.exit_json(changed=False, answer=answer, waited=waited)
        if status == 200:
            module.fail_json(msg=f"GET {url} answers, but {'; '.join(wrong)}. Is it the release that was asked for?")
        properties = unit.properties("ActiveState", "SubState", "NRestarts")
        if before is None:
            before = int(properties.get("NRestarts") or 0)
        if given_up(properties, before):
            give_up(f"{name} does not run, so GET {url} gets {said}.")
        if waited >= timeout:
            give_up(f"GET {url} still gets {said} after {waited:.0f} s.")
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
