"""How the practice XNAT and PostgreSQL trust each other: the options that PostgreSQL's JDBC driver takes from its URL.

The driver reads the files anew for each connection, so a renewed certificate needs no restart; so does this.
Reference: pgjdbc, LibPQFactory and LazyKeyManager.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class HomeError(Exception):
    """The home folder lacks something, or a file in it cannot be used. The message names the file and the remedy."""


@dataclass(frozen=True)
class Tls:
    """What a JDBC URL says of TLS. Files that it does not name are looked for in `~/.postgresql`, as JDBC does."""

    mode: str = "prefer"
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def tls_of(options: Mapping[str, str]) -> Tls:
    """Read the options of a URL. Raises HomeError."""
    mode = options.get("sslmode") or ("verify-full" if options.get("ssl") == "true" else "prefer")
    if mode not in _MODES:
        raise HomeError(f"datasource.url: sslmode is {mode!r} and takes {', '.join(_MODES)}")
    authority, certificate, key = (
        Path(options[name]) if options.get(name) else None for name in ("sslrootcert", "sslcert", "sslkey")
    )
    return Tls(mode, authority, certificate, key)


def connect_arguments(database: URL, tls: Tls) -> dict[str, Any]:
    """What pg8000 needs for one connection; without a mode TLS is used if the server offers it. Raises HomeError."""
    if tls.mode == "disable" or (tls.mode in {"allow", "prefer"} and not _offers_tls(database)):
        return {}
    verified = tls.mode.startswith("verify-")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = tls.mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    if verified:
        authority = _there(tls.authority, "root.crt")
        if authority is None:
            raise HomeError(f"datasource.url: sslmode={tls.mode} needs sslrootcert, or ~/.postgresql/root.crt")
        try:
            context.load_verify_locations(authority)
        except (OSError, ssl.SSLError) as error:
            raise HomeError(f"cannot use {authority} (sslrootcert): {error}") from error
    certificate, key = _there(tls.certificate, "postgresql.crt"), _there(tls.key, "postgresql.pk8")
    if certificate is not None and key is not None:
        _show(context, certificate, key)
    return {"ssl_context": context}


def _there(named: Path | None, usual: str) -> Path | None:
    """The file that is named, whether it is there or not; else the usual one, if it is."""
    if named is not None:
        return named
    path = Path.home() / ".postgresql" / usual
    return path if path.exists() else None


def _show(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Have a context show a certificate, with its key as JDBC wants it: PKCS#8 in DER. Python's ssl reads PEM files."""
    try:
        content = key.read_bytes()
        if content[:1] != b"0":
            raise HomeError(f"{key} (sslkey) is not PKCS#8 in DER, the only form that JDBC reads")
        body = base64.encodebytes(content).decode("ascii")
        draft, name = tempfile.mkstemp(prefix="xnat-twin-")  # readable by its owner only
        try:
            with os.fdopen(draft, "w") as file:
                file.write(f"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n")
            context.load_cert_chain(certificate, name)
        finally:
            Path(name).unlink()
    except (OSError, ssl.SSLError) as error:
        raise HomeError(f"cannot use {certificate} (sslcert) with {key} (sslkey): {error}") from error


def _offers_tls(database: URL) -> bool:
    """Ask the server, by PostgreSQL's SSLRequest message, whether it speaks TLS. Raises HomeError."""
    try:
        with socket.create_connection((database.host or "", database.port or 5432), timeout=30) as server:
            server.sendall(struct.pack("!ii", 8, 80877103))
            return server.recv(1) == b"S"
    except OSError as error:
        where = f"{database.host}:{database.port}"
        raise HomeError(
            f"cannot reach the database at {where}: {error.strerror or error}; see datasource.url"
        ) from error
