"""How many days the certificates of this host have left. Below 0: so long ago it ended.

env.files   NAME=PATH words: site=/etc/nginx/tls/site.crt

Of a file with several certificates the one that ends first counts: a chain is as good as its weakest. Runs as root,
for some lie in folders that only their service may enter; it reads certificates, never keys.
"""

from __future__ import annotations

import datetime
import re
import subprocess

from .graph import Field, Graph
from .settings import Settings

EXAMPLE = "site=/etc/nginx/tls/site.crt"
RESERVED = ("soonest", "unreadable")
BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)


def measure(settings: Settings) -> list[Graph]:
    """One graph with a field for each file, the least of them, and how many cannot be read."""
    now = datetime.datetime.now(datetime.timezone.utc)
    fields = []
    for name, path in settings.pairs("files", EXAMPLE, RESERVED).items():
        end, problem = end_of(path)
        left = None if end is None else (end - now).total_seconds() / 86400
        said = f"{path}: {problem or f'ends {end:%Y-%m-%d %H:%M} UTC'}"
        fields.append(Field(name, path, left, f"Days left of {path}.", extra=said))
    unreadable = [line for line in fields if line.value is None]
    known = [(line.value, line.extra) for line in fields if line.value is not None]
    soonest, said = min(known, default=(None, "no certificate can be read"))
    fields += [
        Field("soonest", "the first to end", soonest, "The least of the above: one threshold for all.", extra=said),
        Field(
            "unreadable",
            "not readable",
            len(unreadable),
            "How many of the files hold no certificate that can be read.",
            extra="; ".join(line.extra for line in unreadable),
        ),
    ]
    return [
        Graph(
            name="dpuk_certificates",
            title="Certificates: days left",
            unit="days",
            category="security",
            info="Days until the certificates that services of this host show end. Below 0: it has ended.",
            fields=fields,
            arguments="--base 1000",
        )
    ]


def end_of(path: str) -> tuple[datetime.datetime | None, str]:
    """The moment at which the first certificate of a file ends, or why it is not known."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 - bounded below
            blocks = BLOCK.findall(file.read(1 << 20))
    except OSError as error:
        return None, error.strerror or str(error)
    ends = [end for block in blocks if (end := _end(block)) is not None]
    if not blocks or len(ends) < len(blocks):
        return None, "no certificate, or one that openssl cannot read"
    return min(ends), ""


def _end(block: str) -> datetime.datetime | None:
    """Asked of openssl: Python's own reader of certificates is not for others to call."""
    done = subprocess.run(
        ["/usr/bin/openssl", "x509", "-noout", "-enddate"],
        input=block,
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
        env={"LC_ALL": "C"},
    )
    if done.returncode != 0:
        return None
    try:
        end = datetime.datetime.strptime(done.stdout.strip(), "notAfter=%b %d %H:%M:%S %Y GMT")
    except ValueError:
        return None
    return end.replace(tzinfo=datetime.timezone.utc)
