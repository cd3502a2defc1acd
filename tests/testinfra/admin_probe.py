"""Try admin/admin at a node from outside, again and again while it is being built, and write down each answer.

    python3 admin_probe.py NAME LOG

One thread for each port; one line of JSON for each try: when, at which port, what came of it. Of the standard library
alone; it knows nothing of the roles. The name is the one that users type: others get no answer. XNAT locks an account
after 20 wrong passwords, so few are tried once it answers.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import sys
import threading
import time
from pathlib import Path

PORTS = (443, 80, 8080)
PAUSE = 0.2  # seconds between tries while nobody answers
LATER = 40  # seconds between tries once somebody does
ANSWERS = 5  # after so many answers of a port there is nothing more to learn
PATH = "/data/JSESSION"
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"admin:admin").decode(), "User-Agent": "probe"}


def attempt(address: str, port: int, timeout: float = 2) -> str:
    """What came of one try: an HTTP status, or why there is none."""
    try:
        if port == 443:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            wire: http.client.HTTPConnection = http.client.HTTPSConnection(
                address, port, timeout=timeout, context=context
            )
        else:
            wire = http.client.HTTPConnection(address, port, timeout=timeout)
        wire.request("GET", PATH, headers=LOGIN)
        answer = wire.getresponse()
        welcome = b"welcome to nginx" in answer.read(4096).lower()
        return "welcome to nginx" if welcome else str(answer.status)
    except ConnectionRefusedError:
        return "refused"
    except (OSError, http.client.HTTPException) as error:
        return f"none: {type(error).__name__}"


def go_on(address: str, port: int, log: Path, lock: threading.Lock) -> None:
    """Try one port until it has answered often enough."""
    answers = 0
    while answers < ANSWERS:
        result = attempt(address, port)
        with lock, log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"at": time.time(), "port": port, "result": result}) + "\n")
        answered = result.isdigit()
        answers += answered
        time.sleep(LATER if answered else PAUSE)


def main(address: str, log: Path) -> None:
    """Try all ports."""
    lock = threading.Lock()
    for port in PORTS:
        threading.Thread(target=go_on, args=(address, port, log, lock)).start()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
