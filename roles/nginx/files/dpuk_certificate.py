#!/usr/bin/python3
"""Keep the certificate that nginx uses.

    dpuk-certificate check     leaves with 1 and one line when the certificate in use is not the right one
    dpuk-certificate renew     makes it the right one, and reloads nginx

/etc/dpuk/certificate.json says where it comes from. `files`: Ansible brings it. `self_signed`: made and renewed here.
`host`: taken over from the paths where an ACME client keeps it; until there is one, a self-signed one lets nginx start,
so that the client can be answered. nginx reads its own copy, which is always a whole pair; the client's files are
replaced one after the other. Either way `renew` fails when the certificate ends within two weeks.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

CONFIGURATION = Path("/etc/dpuk/certificate.json")
FOLDER = Path("/etc/nginx/tls")
LIFETIME = 398  # days: browsers refuse longer ones
RENEW = datetime.timedelta(days=30)
WARN = datetime.timedelta(days=14)
SETTLE = 20  # seconds that certificate and key may be apart while a client replaces both


class Pair(NamedTuple):
    """What is known of a certificate and its key."""

    text: str  # the certificate's own file, to compare
    begins: datetime.datetime
    ends: datetime.datetime
    names: frozenset[str]
    self_signed: bool
    whole: bool  # the key is the certificate's


def ask(*words: str) -> str:
    """Run openssl; an empty text if it refuses."""
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False, env=environment())
    return done.stdout if done.returncode == 0 else ""


def environment() -> dict[str, str]:
    """Nothing of the caller's but the path, in the language that is read below."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}


def parse_time(text: str) -> datetime.datetime:
    """As openssl prints it: `Nov 30 18:00:00 2027 GMT`."""
    parsed = datetime.datetime.strptime(text.strip(), "%b %d %H:%M:%S %Y %Z")
    return parsed.replace(tzinfo=datetime.timezone.utc)


def plain(name: str) -> str:
    """One way to write a name: openssl writes IPv6 addresses out in full."""
    try:
        return ipaddress.ip_address(name).compressed
    except ValueError:
        return name.lower()


def is_address(name: str) -> bool:
    """Whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def read_pair(certificate: Path, key: Path) -> Pair | None:
    """What is in two files; None when one is not there or unreadable."""
    try:
        text = certificate.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    told = ask("x509", "-in", str(certificate), "-noout", "-dates", "-subject", "-issuer", "-ext", "subjectAltName")
    fields = dict(re.findall(r"^(notBefore|notAfter|subject|issuer)=(.*)$", told, re.MULTILINE))
    public = ask("x509", "-in", str(certificate), "-noout", "-pubkey")
    own = ask("pkey", "-in", str(key), "-pubout", "-passin", "pass:")
    if len(fields) < 4 or not own:
        return None
    return Pair(
        text=text,
        begins=parse_time(fields["notBefore"]),
        ends=parse_time(fields["notAfter"]),
        names=frozenset(plain(name.strip()) for name in re.findall(r"(?:DNS|IP Address):([^,\n]+)", told)),
        self_signed=fields["subject"] == fields["issuer"],
        whole=public == own,
    )


def what_to_do(
    configuration: dict[str, Any], used: Pair | None, offered: Pair | None, now: datetime.datetime
) -> tuple[str, str]:
    """`keep`, `make` or `take`, and why."""
    source = configuration["source"]
    usable = used is not None and used.whole
    if source == "files":
        return "keep", "Ansible brings it"
    if source == "host" and offered is not None and offered.whole and offered.begins <= now < offered.ends:
        if used is not None and usable and used.text == offered.text:
            return "keep", f"it is the one of {configuration['certificate']}"
        return "take", f"{configuration['certificate']} has another one"
    if used is None or not usable:
        return "make", "there is none, or the key is not its own"
    if source == "host" and not used.self_signed:
        return "keep", f"{configuration['certificate']} and its key are not there, not valid, or not a pair"
    if not used.self_signed:
        return "make", "it is not self-signed"
    if used.names != frozenset(map(plain, configuration["names"])):
        return "make", f"it names {', '.join(sorted(used.names)) or 'nothing'}"
    if used.ends - now < RENEW:
        return "make", f"it ends {used.ends:%Y-%m-%d}"
    return "keep", f"it is self-signed and good until {used.ends:%Y-%m-%d}"


def in_motion(offered: Pair | None, folder: Path, now: float) -> bool:
    """Whether a client is at work: half of a pair is there, or nothing yet in a folder that was made a moment ago.

    systemd does not tell of files that come while this program runs, so it must not end before they are there.
    """
    if offered is not None:
        return not offered.whole
    try:
        return now - folder.stat().st_mtime < SETTLE
    except OSError:
        return False


def make(names: list[str], folder: Path) -> None:
    """Sign a new key, and put both in place."""
    kinds = [f"{'IP' if is_address(name) else 'DNS'}:{name}" for name in names]
    with tempfile.TemporaryDirectory(dir=folder) as draft:
        key, certificate = Path(draft) / "key", Path(draft) / "certificate"
        words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256"]
        words += [
            "-subj",
            f"/CN={names[0][:64]}",
            "-days",
            str(LIFETIME),
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ]
        words += ["-addext", f"subjectAltName={','.join(kinds)}", "-addext", "extendedKeyUsage=serverAuth"]
        subprocess.run(["openssl", *words], check=True, capture_output=True, env=environment())
        place(certificate.read_bytes(), key.read_bytes(), folder)


def place(certificate: bytes, key: bytes, folder: Path) -> None:
    """Write both; nginx goes on with what it has read until it is reloaded."""
    for name, content, mode in (("site.key", key, 0o640), ("site.crt", certificate, 0o644)):
        handle, draft = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(mode)
        Path(draft).replace(folder / name)


def main(arguments: list[str]) -> int:
    """Check or renew; the exit status."""
    if arguments not in (["check"], ["renew"]):
        print(__doc__, file=sys.stderr)
        return 2
    configuration: dict[str, Any] = json.loads(CONFIGURATION.read_text(encoding="utf-8"))
    theirs = Path(configuration["certificate"]), Path(configuration["key"])
    used = read_pair(FOLDER / "site.crt", FOLDER / "site.key")
    offered = read_pair(*theirs) if configuration["source"] == "host" else None
    if arguments == ["check"]:
        action, reason = what_to_do(configuration, used, offered, datetime.datetime.now(datetime.timezone.utc))
        print(f"{action}: {reason}")
        return 0 if action == "keep" else 1
    deadline = time.monotonic() + SETTLE * (configuration["source"] == "host")
    while time.monotonic() < deadline and in_motion(offered, theirs[0].parent, time.time()):
        time.sleep(1)
        offered = read_pair(*theirs)
    action, reason = what_to_do(configuration, used, offered, datetime.datetime.now(datetime.timezone.utc))
    print(f"{action}: {reason}")
    if action == "make":
        make(configuration["names"], FOLDER)
    elif action == "take":
        place(theirs[0].read_bytes(), theirs[1].read_bytes(), FOLDER)
    if action != "keep":
        active = subprocess.run(["systemctl", "is-active", "--quiet", "nginx"], check=False).returncode == 0
        if active:
            subprocess.run(["systemctl", "reload", "--no-block", "nginx"], check=True)
        used = read_pair(FOLDER / "site.crt", FOLDER / "site.key")
    now = datetime.datetime.now(datetime.timezone.utc)
    if used is not None and used.ends - now < WARN:
        print(f"The certificate of the front door ends {used.ends:%Y-%m-%d %H:%M} UTC", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
