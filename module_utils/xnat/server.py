"""Which XNAT, as whom, and how patient to be: the settings of a session, checked before anything is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from .errors import InputError, LoginError


@dataclass(frozen=True)
class Server:
    """Which XNAT, as whom, and how patient to be. `token` is an alias token, `ALIAS:SECRET`.

    `timeout` is in seconds; `pool` is how many connections are open at once, at most.
    """

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: int = 60
    retries: int = 3
    pool: int = 8

    def __post_init__(self) -> None:
        """Refuse what cannot work before anything is sent. Raises InputError."""
        if user_info(self.url):
            raise InputError(
                "url: holds a user name or password, which would end up in logs. Use username and password."
            )
        parts = _parts(self.url)
        if parts is None:
            raise InputError(
                f"url: {self.url!r} is not a web address. Write it in full, as in 'https://xnat.example.org'."
            )
        if parts.query or parts.fragment:
            raise InputError(f"url: {self.url!r} must end with the server's name (and path): no '?' or '#'.")
        if self.token is not None and ":" not in self.token:
            raise InputError("token: is not of the form ALIAS:SECRET, which is how XNAT issues alias tokens.")
        if self.ca_path is not None and not Path(self.ca_path).is_file():
            raise InputError(f"ca_path: there is no file {self.ca_path!r} on this machine.")

    @property
    def base(self) -> str:
        """The URL without a slash at the end."""
        return self.url.rstrip("/")

    @property
    def credentials(self) -> tuple[str, str]:
        """User name and password for basic authentication. Raises LoginError when there are none."""
        if self.token is not None:
            alias, _, secret = self.token.partition(":")
            return alias, secret
        if not self.username or self.password is None:
            missing = "password" if self.username else "username and password"
            raise LoginError(
                f"No {missing} for {self.base}: give username and password (or XNAT_USER and XNAT_PASSWORD), "
                f"a token (XNAT_TOKEN), or an entry 'machine {urlsplit(self.url).hostname}' in ~/.netrc."
            )
        return self.username, self.password


def _parts(url: str) -> SplitResult | None:
    """Return the parts of a web address; None if it is none that a request can be sent to."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (is checked when it is read)
        (parts.hostname or "").rstrip(".").encode("idna")
    except ValueError:
        return None
    usable = parts.scheme in {"http", "https"} and parts.hostname and not re.search(r"\s", url)
    return parts if usable else None


def user_info(url: str) -> str:
    """Return the user name and password in a URL, as they stand there; empty if there are none.

    Up to the last `@`, wherever that is: a password with a `/`, `?` or `#` in it makes another host of what is before.
    """
    match = re.search(r"//(.*)@", url)
    return match.group(1) if match else ""


def without_secret(url: str) -> str:
    """Return the URL without a user name and password in it."""
    secret = user_info(url)
    return url.replace(f"{secret}@", "", 1) if secret else url
