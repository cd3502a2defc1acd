"""What to tell a person about an answer or a broken connection: what it means, what to do. Sends nothing."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .server import Server

ADVICE = {
    400: "XNAT did not understand the request; check the values given.",
    401: "The session is not logged in (any more). Run again; check the account.",
    403: "This account may not do that. Ask an owner of the project, or use another account.",
    404: "It does not exist, or this account may not see it. Check the labels and the access to the project.",
    409: "Something on the server contradicts the request.",
    413: "The server in front of XNAT limits the size of a request. Ask the admin to raise client_max_body_size.",
    414: "The values are too long for one request. Shorten them, or set them in several tasks.",
    422: "XNAT understood the request but cannot carry it out; check labels and values.",
    500: "XNAT failed inside; its log (logs/application.log) has the reason. A full disk is a frequent one.",
    502: "The web server runs but XNAT behind it does not. Ask the admin.",
    503: "XNAT is starting or overloaded. Try again in some minutes.",
    504: "XNAT did not answer the web server in time. Try again; for large files ask the admin to raise the limit.",
    507: "The server's disk is full. Ask the admin to make room, then run again: what is there is not sent twice.",
}

# What XNAT, Java and the system say when there is no room left; the status is a plain 500 then.
_DISK_FULL = ("no space left", "disk quota", "not enough space")


def is_disk_full(status: int, text: str) -> bool:
    """Whether an answer says that the server has no room left."""
    return status == 507 or (status == 500 and any(sign in text.lower() for sign in _DISK_FULL))


def excerpt(text: str) -> str:
    """Return the telling part of an answer in one line: of XNAT's error page only its heading."""
    heading = re.search(r"<h3>(.*?)</h3>", text, re.DOTALL | re.IGNORECASE)
    if heading:
        text = heading.group(1)
    text = re.sub(r"<(script|style|title).*?</\1>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    text = " ".join(re.sub(r"<[^>]*>", " ", text).split()).rstrip(". ")
    return text if len(text) <= 300 else text[:297] + "..."


def connection_problem(error: Exception, server: Server, text: str) -> tuple[str, bool]:
    """Say what is wrong with the connection, and whether trying again is hopeless.

    `text` is the error's own text, already free of secrets. The libraries below tell the causes apart only there.
    """
    parts = urlsplit(server.url)
    host, kind = parts.hostname or "", type(error).__name__
    if kind == "SSLError" or "CERTIFICATE" in text.upper():
        return _tls_problem(text, host, server.ca_path), True
    if kind == "ProxyError":
        return f"the proxy did not let us through to {host}. Check HTTPS_PROXY and NO_PROXY.", False
    if "NameResolutionError" in text or "Failed to resolve" in text or "getaddrinfo" in text:
        return f"the host {host!r} is unknown. Check url for a typing mistake, and this machine's name service.", True
    if "Connection refused" in text:
        return f"nothing listens at {parts.netloc}. Is XNAT running, and the port right?", False
    if "Timeout" in kind:
        return f"{host} did not answer within {server.timeout} s. Try again, or give a longer timeout.", False
    return f"the connection to {parts.netloc} broke ({kind}). Try again; if it stays, ask the admin.", False


def _tls_problem(text: str, host: str, ca_path: str | None) -> str:
    if "self-signed" in text or "self signed" in text or "unable to get" in text:
        found = f"the CA in {ca_path}" if ca_path else "any CA that this machine knows"
        return (
            f"the certificate of {host} is not signed by {found}. Give ca_path (or XNAT_CA_PATH) the file of "
            "the CA that "
            "signed it, in PEM form; the server's admin has it."
        )
    if "NO_CERTIFICATE_OR_CRL_FOUND" in text or "PEM lib" in text or "invalid path" in text:
        named = ca_path or "that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names"
        return f"the file {named} holds no certificate in PEM form. Give ca_path the file of the CA."
    if "Hostname mismatch" in text or "doesn't match" in text or "IP address mismatch" in text:
        return f"the certificate belongs to another name than {host!r}. Use the name that is in the certificate."
    if "expired" in text:
        return f"the certificate of {host} has expired. Ask the server's admin to renew it."
    if "WRONG_VERSION_NUMBER" in text or "wrong version number" in text or "record layer failure" in text:
        return f"{host} does not speak TLS on this port. Is url meant to start with http://, or the port another?"
    return f"no secure connection to {host}: {text[:200]}"
