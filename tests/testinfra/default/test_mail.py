"""Mail of the hosts leaves through the relay, over TLS and with a login, and nothing can be handed in from outside.

The relay is a small SMTP server on a machine that is no part of the node. It knows nothing of the role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email import message_from_string
from email.utils import parseaddr
from typing import Any

import lab_mailbox
import pytest
from reach import Host, connects

from lab.settings import DOMAIN, Lab

Receive = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def receive(lab: Lab, neighbour: Host, passwords: dict[str, str]) -> Iterator[Receive]:
    """The relay, running; gives the message that has a word in it, and waits for it."""
    with lab_mailbox.opened(lab, neighbour, passwords["vault_mail_smarthost_password"]) as box:
        yield box.wait


def send(host: Host, word: str, *words: str) -> None:
    """Hand a message to the host's own sendmail, as root."""
    message = f"Subject: {word}\n\nA test.\n"
    done = host.run("printf %s %s | /usr/sbin/sendmail " + " ".join(["%s"] * len(words)), "%s", message, *words)
    assert done.rc == 0, done.stderr


def test_a_message_to_a_person_leaves_by_tls_and_login(web: Host, receive: Receive) -> None:
    send(web, "mail-to-a-person", "someone@example.org")
    message = receive("mail-to-a-person")
    assert (message["to"], message["user"], message["tls"]) == (["someone@example.org"], "node", True)


@pytest.mark.parametrize("account", ["root", "postmaster", "root@localhost", f"xnat@web.{DOMAIN}"])
def test_mail_to_an_account_of_the_host_goes_to_the_admin(web: Host, receive: Receive, account: str) -> None:
    word = f"mail-to-{account.replace('@', '-at-')}"
    send(web, word, account)
    assert receive(word)["to"] == [f"admin@{DOMAIN}"]


def test_senders_have_a_domain_that_exists(web: Host, receive: Receive) -> None:
    """On the envelope, where other servers look, and in the message, which people answer."""
    send(web, "whose-mail-is-this", "someone@example.org")
    message = receive("whose-mail-is-this")
    assert message["from"] == f"root@{DOMAIN}"
    assert parseaddr(message_from_string(message["text"])["From"])[1] == f"root@{DOMAIN}"


@pytest.mark.parametrize("name", ["db", "monitor"])
def test_every_host_can_send(name: str, receive: Receive, request: pytest.FixtureRequest) -> None:
    send(request.getfixturevalue(name), f"mail-of-{name}", "root")
    assert receive(f"mail-of-{name}")["to"] == [f"admin@{DOMAIN}"]


def test_xnat_s_mail_server_is_at_its_own_port_25(web: Host, receive: Receive) -> None:
    """As Java does it: SMTP on loopback, with a sender of its own."""
    program = (
        "import smtplib; wire = smtplib.SMTP('localhost', 25, timeout=30); "
        f"wire.sendmail('admin@{DOMAIN}', ['user@example.org'], 'Subject: mail-of-xnat\\n\\nWelcome.\\n'); wire.quit()"
    )
    done = web.run("python3 -c %s", program)
    assert done.rc == 0, done.stderr
    message = receive("mail-of-xnat")
    assert (message["from"], message["to"]) == (f"admin@{DOMAIN}", ["user@example.org"])


def test_it_listens_on_loopback_alone(web: Host, neighbour: Host, monitor: Host, lab: Lab) -> None:
    found = [line.split()[3] for line in web.run("ss -Hltn 'sport = :25'").stdout.splitlines()]
    assert found
    assert set(found) <= {"127.0.0.1:25", "[::1]:25"}
    assert not connects(neighbour, lab.hosts["web"], 25)
    assert not connects(monitor, lab.hosts["web"], 25)


def test_the_password_is_in_one_file_that_root_alone_reads(web: Host, passwords: dict[str, str]) -> None:
    file = web.file("/etc/postfix/dpuk-smarthost-password")
    assert (file.user, file.group, oct(file.mode)) == ("root", "root", "0o600")
    shown = web.run("postconf; journalctl -q --no-pager -u 'postfix*'").stdout
    assert "relayhost" in shown
    assert passwords["vault_mail_smarthost_password"] not in shown
