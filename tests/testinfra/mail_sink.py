"""A mail relay for tests, of the standard library alone: takes mail by STARTTLS and a login, and writes it down.

    python3 mail_sink.py PORT CERTIFICATE KEY FOLDER        user and password come in two lines on standard input

Each message becomes FOLDER/NUMBER.json: the envelope, the user, whether TLS was spoken, and the text. It knows nothing
of the roles. Once it listens it writes FOLDER/ready.
"""

from __future__ import annotations

import base64
import json
import socketserver
import ssl
import sys
from pathlib import Path
from typing import Any

PORT, CERTIFICATE, KEY, FOLDER = int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
USER, PASSWORD = (sys.stdin.readline().rstrip("\n") for _ in range(2))


class Sink(socketserver.StreamRequestHandler):
    """One client."""

    timeout = 60

    def handle(self) -> None:
        """Speak SMTP until the client leaves."""
        self.wire: Any = self.connection
        self.secure, self.user, self.sender = False, "", ""
        self.recipients: list[str] = []
        self.say("220 relay.example ESMTP")
        while line := self.rfile.readline().decode("latin-1").strip():
            word = line.split(" ")[0].upper()
            if word == "QUIT":
                self.say("221 bye")
                return
            getattr(self, f"on_{word.lower()}", self.on_unknown)(line)

    def say(self, *lines: str) -> None:
        """Answer, in several lines if need be."""
        for line in lines[:-1]:
            self.wire.sendall(f"{line[:3]}-{line[4:]}\r\n".encode())
        self.wire.sendall(f"{lines[-1]}\r\n".encode())

    def on_unknown(self, line: str) -> None:
        """Whatever is not spoken here."""
        self.say("502 not here")

    def on_ehlo(self, line: str) -> None:
        """No login is offered in clear text."""
        self.sender, self.recipients = "", []
        self.say("250 relay.example", "250 SIZE 50000000", "250 AUTH PLAIN" if self.secure else "250 STARTTLS")

    def on_starttls(self, line: str) -> None:
        """Change to TLS."""
        self.say("220 go on")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, KEY)
        self.wire = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.wire.makefile("rb")
        self.secure = True

    def on_auth(self, line: str) -> None:
        """AUTH PLAIN with its answer in the same line."""
        _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
        good = (user, password) == (USER, PASSWORD)
        self.user = user if good else ""
        self.say("235 welcome" if good else "535 no")

    def on_mail(self, line: str) -> None:
        """Who sends; nobody without a login."""
        self.sender = line.partition("<")[2].partition(">")[0]
        self.say("250 ok" if self.user else "530 log in first")

    def on_rcpt(self, line: str) -> None:
        """Who gets it."""
        self.recipients.append(line.partition("<")[2].partition(">")[0])
        self.say("250 ok")

    def on_data(self, line: str) -> None:
        """The message itself."""
        self.say("354 go on")
        text = b""
        while (part := self.rfile.readline()) not in (b".\r\n", b""):
            text += part
        message = {"from": self.sender, "to": self.recipients, "user": self.user, "tls": self.secure}
        number = len(list(FOLDER.glob("*.json")))
        draft = FOLDER / "draft"
        draft.write_text(json.dumps({**message, "text": text.decode("utf-8", "replace")}))
        draft.replace(FOLDER / f"{number}.json")
        self.say("250 taken")


class Server(socketserver.ThreadingTCPServer):
    """On IPv4, all addresses."""

    allow_reuse_address = True
    daemon_threads = True


FOLDER.mkdir(parents=True, exist_ok=True)
with Server(("0.0.0.0", PORT), Sink) as server:  # noqa: S104 - on a network of the test's own
    (FOLDER / "ready").touch()
    server.serve_forever()
