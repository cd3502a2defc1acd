"""One authenticated, pooled, retrying HTTP session per server. The only file that sends a request.

It logs in once, keeps the cookie (XNAT opens a server session per request otherwise), logs out at the end, refuses to
write in check mode, and turns every answer that is not success into an error that names the request. Threads may share
it. It knows no project or file: paths come from address.py.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any, BinaryIO, Protocol
from urllib.parse import quote, urlencode

from . import address
from .errors import CheckModeError, ConnectError, LoginError, RequestError
from .explain import ADVICE, connection_problem, excerpt
from .retry import TRY_AGAIN, is_login_page, is_page, pause_before, retry_after
from .server import Server, without_secret

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from urllib3.poolmanager import PoolKey

    REQUESTS_ERROR: str | None = None
except ImportError as error:
    # Reported by module.py in Ansible's words; the stand-in only lets this file be read.
    REQUESTS_ERROR = str(error)
    HTTPAdapter = object  # type: ignore[misc, assignment]

_SAFE_METHODS = {"GET", "HEAD"}
# A name that looks like a browser would switch on redirects to a login page and CSRF tokens.
_USER_AGENT = "dpuk-node (python-requests)"
# Bytes handed to the socket at a time: as many as files are read in (local.py), so that no block is cut and copied. The
# default of 16 KiB costs more in calls than the sending itself.
_BLOCK = 1024 * 1024
# Bytes of an answer in which a login page has its form.
_PAGE = 128 * 1024
# A file that was sent is copied and hashed by the server before it answers: allow for 10 MB/s.
_SERVER_BYTES_PER_SECOND = 10_000_000


class Body(Protocol):
    """What is sent: opened anew for each attempt."""

    size: int
    headers: dict[str, str]

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of requests that carry this body (`data` or `files`)."""


@dataclass(frozen=True)
class Answer:
    """What the server said: status, the body as text, and the seconds that it wants to be left alone for."""

    status: int
    text: str
    retry_after: float | None = None

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


@dataclass(frozen=True)
class _Call:
    """One request as it is to be sent. `doing` completes the sentence "Cannot ..." in its errors."""

    method: str
    path: str
    doing: str
    params: Mapping[str, str] | None = None
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    retry: bool = True
    stream: bool = False


@dataclass(frozen=True)
class _Login:
    """One session of the server: the cookies that stand for it. A new login is a new object."""

    cookie: str


class _Adapter(HTTPAdapter):
    """Pooled connections that hand larger blocks to the socket. Whoever finds none free waits for one."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        if "key_blocksize" in PoolKey._fields:  # urllib3 of Debian 12 and Ubuntu 22.04 does not know of it
            kwargs["blocksize"] = _BLOCK
        super().init_poolmanager(*args, **kwargs)


class Session:
    """A logged-in session. Use it as a context manager: it logs out at the end.

    `check_mode` makes it refuse every request that could change something. `request_count` counts what
    was sent; `wrote` is whether a request that changes something was answered with success. `sleep` waits between
    attempts (seconds). Threads may use it at once, on at most `server.pool` connections.
    """

    def __init__(
        self,
        server: Server,
        *,
        check_mode: bool = False,
        sleep: Callable[[float], None] | None = None,
        unconfigured: bool = False,
    ) -> None:
        """Prepare the session; nothing is sent until the first request.

        With `unconfigured`, an administrator also gets into a site that was never set up, for its settings alone.
        """
        self.server = server
        self.check_mode = check_mode
        self.unconfigured = unconfigured
        self.request_count = 0
        self.wrote = False
        self._sleep = sleep or time.sleep
        self._ending = False
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._login: _Login | None = None
        self._refused: LoginError | None = None
        self._secrets = [secret for secret in (server.password, server.token) if secret]
        self._http = requests.Session()
        self._http.headers.update({"User-Agent": _USER_AGENT, "Accept": "*/*"})
        # Without an own rule, requests would add an entry of ~/.netrc to every request, past what was asked for.
        self._http.auth = lambda request: request
        # Cookies are those of the login and sent by hand: what other answers bring would be another thread's session.
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Asked once: requests would search the whole environment for proxies and a CA file at every request.
        verify: bool | str = server.ca_path or True if server.validate_certs else False
        environment = self._http.merge_environment_settings(server.base, {}, None, verify, None)
        self._http.proxies, self._verify = environment["proxies"], environment["verify"]
        self._http.trust_env = False
        self._http.mount(server.base, _Adapter(pool_connections=1, pool_maxsize=server.pool, pool_block=True))
        if not server.validate_certs:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def __enter__(self) -> Session:
        """Return the session itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Log out, whatever happened; a failing logout is no reason to fail."""
        self.close()

    def close(self) -> None:
        """End the server's session and the connections."""
        login, self._login = self._login, None
        if login:
            with contextlib.suppress(Exception):
                self._once(_Call("DELETE", address.SESSION, "log out"), login)
        self._http.close()

    # -- requests ---------------------------------------------------------------------------------------------------

    def read(self, path: str, doing: str, params: Mapping[str, str] | None = None) -> Any | None:
        """GET JSON. Return None if it is not there (404). `doing` completes the sentence "Cannot ..."."""
        for attempt in range(self.server.retries + 1):
            answer = self.request("GET", path, doing, {"format": "json", **(params or {})}, accept=(200, 404))
            if answer.status == 404:
                return None
            data = answer.json()
            if data is not None or not answer.text.lstrip().startswith("{"):
                break
            # The beginning of an answer whose length nobody said: it was cut off on the way.
            if attempt < self.server.retries:
                self.back_off(attempt)
        if not isinstance(data, dict):
            raise self.failure(
                "GET", path, doing, answer, "The answer is not JSON. Is this an XNAT, and its address complete?"
            )
        return data

    def rows(self, path: str, doing: str, params: Mapping[str, str] | None = None) -> list[dict[str, str]] | None:
        """GET one of XNAT's tables; every value is a string. Return None if there is no such table (404)."""
        data = self.read(path, doing, params)
        return None if data is None else list(data.get("ResultSet", {}).get("Result", []))

    def text(self, path: str, doing: str) -> str | None:
        """GET plain text; None if it is not there (404)."""
        answer = self.request("GET", path, doing, accept=(200, 404))
        return None if answer.status == 404 else answer.text.strip()

    def open(self, path: str, doing: str) -> Answer:
        """GET what needs no login, and do not log in for it; whatever the answer is."""
        return self._answer(self._attempts(_Call("GET", path, doing)))

    def md5(self, path: str, doing: str) -> tuple[str, int]:
        """Download a file without keeping it. Return MD5 (hex) and size (bytes)."""
        digest, size = hashlib.md5(usedforsecurity=False), 0

        def begin() -> None:
            nonlocal digest, size
            digest, size = hashlib.md5(usedforsecurity=False), 0

        def take(block: bytes) -> None:
            nonlocal size
            digest.update(block)
            size += len(block)

        self._stream(_Call("GET", path, doing, stream=True), begin, take)
        return digest.hexdigest(), size

    def save(self, path: str, doing: str, params: Mapping[str, str], target: BinaryIO) -> bool:
        """GET into a file, in blocks, whatever its size. Return False if it is not there (404).

        Raises ConnectError if the answer keeps breaking off: what is in `target` then is not to be used.
        """

        def begin() -> None:
            target.seek(0)
            target.truncate()

        try:
            self._stream(_Call("GET", path, doing, params, stream=True), begin, target.write)
        except RequestError as error:
            if error.status == 404:
                return False
            raise
        return True

    def _stream(self, call: _Call, begin: Callable[[], None], take: Callable[[bytes], object]) -> None:
        """Hand the answer on in blocks. One that is cut off is asked for again, after `begin` forgot what came."""
        for attempt in range(self.server.retries + 1):
            begin()
            with self._logged_in_answer(call) as response:
                if response.status_code != 200:
                    raise self.failure(call.method, call.path, call.doing, self._answer(response))
                try:
                    for block in response.iter_content(_BLOCK):
                        take(block)
                except requests.RequestException as error:
                    if attempt == self.server.retries:
                        raise ConnectError(
                            f"Cannot {call.doing}: GET {call.path}: the connection broke in the middle. Try again."
                        ) from error
                else:
                    return
            self.back_off(attempt)

    def request(
        self,
        method: str,
        path: str,
        doing: str,
        params: Mapping[str, str] | None = None,
        *,
        body: Body | None = None,
        accept: tuple[int, ...] = (200, 201),
        advice: Mapping[int, str] | None = None,
        retry: bool = True,
    ) -> Answer:
        """Send one request and return the answer if its status is one of `accept`.

        Raises RequestError for any other status and for a web page where an answer was expected, ConnectError if there
        is no answer, CheckModeError if it could change something in check mode. `advice` says what to do for a status.
        With `retry=False` it is sent once: the caller knows better how to look what became of it.
        """
        self._check_may_send(method, path, doing)
        response = self._logged_in_answer(_Call(method, path, doing, params, body, retry=retry))
        answer = self._answer(response)
        if answer.status in accept and not is_page(answer.text):
            self.wrote = self.wrote or (method not in _SAFE_METHODS and answer.status < 300)
            return answer
        if 300 <= answer.status < 400:
            raise self._redirected(method, path, doing, answer, response.headers.get("Location", ""))
        if answer.status in accept and answer.status < 400:
            raise self.failure(
                method, path, doing, answer, "A web page came instead of an answer: is url the address of an XNAT?"
            )
        if answer.status in accept:
            return answer
        raise self.failure(method, path, doing, answer, (advice or {}).get(answer.status))

    def request_by_password(
        self, method: str, path: str, doing: str, body: Body, advice: Mapping[int, str] | None = None
    ) -> Answer:
        """Send one request that carries the password itself: a 1.6 that was never set up opens no session."""
        self._check_may_send(method, path, doing)
        response = self._attempts(_Call(method, path, doing, None, body, self._basic(), retry=False))
        answer = self._answer(response)
        if answer.status not in {200, 201} or is_login_page(answer.text):
            raise self.failure(method, path, doing, answer, (advice or {}).get(answer.status))
        self.wrote = True
        return answer

    def _check_may_send(self, method: str, path: str, doing: str) -> None:
        if self.check_mode and method not in _SAFE_METHODS:
            raise CheckModeError(
                f"{method} {path} was about to be sent in check mode ({doing}). This is a defect: please report it."
            )

    def failure(self, method: str, path: str, doing: str, answer: Answer, advice: str | None = None) -> RequestError:
        """Build the error for an answer: what was tried, the request, the status, what XNAT said, what to do."""
        said = self.excerpt(answer.text)
        message = f"Cannot {doing}: {method} {path} answered {answer.status}" + (f" ({said})" if said else "") + "."
        hint = advice or ADVICE.get(answer.status)
        error = RequestError(
            f"{message} {hint}" if hint else message, method=method, path=path, status=answer.status, answer=said
        )
        error.retry_after = answer.retry_after
        return error

    def pause(self, seconds: float) -> None:
        """Wait between two looks at something that the server may still be doing."""
        if seconds:
            self._sleep(seconds)

    def back_off(self, attempt: int, asked: float | None = None) -> None:
        """Wait after a failed attempt of that number (from 0), as long as the server `asked` for where it did."""
        if not self._ending:
            self._sleep(pause_before(attempt, asked))

    def end_soon(self) -> None:
        """From now on wait for no better moment, and send nothing a second time: somebody wants the run to end."""
        self._ending = True

    def excerpt(self, text: str) -> str:
        """Return the telling part of an answer in one line, without secrets."""
        return excerpt(self.scrub(text))

    def scrub(self, text: str) -> str:
        """Return the text with every known secret replaced."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "********")
        return text

    # -- below ------------------------------------------------------------------------------------------------------

    def _current(self, expired: _Login | None = None) -> _Login:
        """The login that counts. If it is the one that was found to be `expired`, a new one, however many found it."""
        with self._lock:
            if self._refused:
                # Not again for each thread: XNAT locks an account after some failed attempts.
                raise self._refused
            if self._login is None or self._login is expired:
                self._login = None
                try:
                    self._login = self._log_in()
                except LoginError as error:
                    self._refused = error
                    raise
            return self._login

    def _basic(self) -> dict[str, str]:
        user, password = self.server.credentials
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._secrets += [secret for secret in (basic, password) if secret]
        return {"Authorization": f"Basic {basic}"}

    def _log_in(self) -> _Login:
        headers, user = self._basic(), self.server.credentials[0]
        doing = f"log in to {self.server.base} as {user if self.server.token is None else 'the owner of the token'}"
        response = self._attempts(_Call("POST", address.SESSION, doing, headers=headers))
        answer = self._answer(response)
        said = self.excerpt(answer.text)
        if answer.status == 401:
            raise LoginError(
                f"Cannot {doing}: POST {address.SESSION} answered 401 ({said}). "
                "User name or password is wrong, or the account is locked or disabled."
            )
        if self.unconfigured and (answer.status == 403 or 300 <= answer.status < 400):
            # A site that was never set up has no sessions to ask for: its settings let an administrator in by himself.
            call = _Call("GET", address.INITIALIZED, doing, headers={**headers, "Accept": "application/json"})
            token = self._attempts(call).cookies.get("JSESSIONID", "")
            if token:
                self._secrets.append(token)
                return _Login(f"JSESSIONID={token}")
        if answer.status == 403:
            raise LoginError(
                f"Cannot {doing}: POST {address.SESSION} answered 403 ({said}). "
                "The password has expired, or the site is not set up yet. Log in with a browser to see which."
            )
        if 300 <= answer.status < 400:
            raise self._redirected("POST", address.SESSION, doing, answer, response.headers.get("Location", ""))
        token = answer.text.strip()
        if answer.status != 200 or not re.fullmatch(r"[A-Za-z0-9._!-]{8,128}", token):
            raise self.failure(
                "POST",
                address.SESSION,
                doing,
                answer,
                ADVICE.get(answer.status)
                if answer.status >= 500
                else "Something answers there, but not as an XNAT does. Is url right (http or https, port, path)?",
            )
        self._secrets.append(token)
        # With those of a load balancer, if it has any: it finds the right server by them.
        cookies = {"JSESSIONID": token, **{cookie.name: cookie.value for cookie in response.cookies}}
        self._secrets += [value for value in (cookies["JSESSIONID"],) if value and value != token]
        return _Login("; ".join(f"{name}={value}" for name, value in cookies.items()))

    def _logged_in_answer(self, call: _Call) -> requests.Response:
        login = self._current()
        response = self._attempts(call, login)
        if self._is_expired(call, response):
            # The server's session ran out (15 minutes by default) or the server was restarted: log in once more.
            response.close()
            response = self._attempts(call, self._current(expired=login))
        return response

    @staticmethod
    def _is_expired(call: _Call, response: requests.Response) -> bool:
        if response.status_code == 200:
            if call.stream:
                # What is downloaded is not looked into; a file that is a page says so by its name.
                kind = response.headers.get("Content-Type", "")
                return kind.startswith("text/html") and ".htm" not in call.path.lower()
            return is_login_page(response.content[:_PAGE].decode("utf-8", "replace"))
        to_login = 300 <= response.status_code < 400 and "login" in response.headers.get("Location", "").lower()
        return response.status_code == 401 or to_login

    def _attempts(self, call: _Call, login: _Login | None = None) -> requests.Response:
        last = self.server.retries if call.retry else 0
        for attempt in range(last + 1):
            try:
                asked = None
                response = self._once(call, login)
            except OSError as error:  # that of requests among them; a CA file that is not there is a plain one
                problem, hopeless = connection_problem(error, self.server, self.scrub(str(error)))
                if hopeless or attempt == last or self._ending:
                    raise ConnectError(f"Cannot {call.doing}: {call.method} {call.path}: {problem}") from error
            else:
                if response.status_code not in TRY_AGAIN or attempt == last or self._ending:
                    return response
                asked = retry_after(response.headers.get("Retry-After"))
                response.close()
            self.back_off(attempt, asked)
        raise AssertionError("unreachable")

    def _once(self, call: _Call, login: _Login | None = None) -> requests.Response:
        url, body = self.server.base + call.path, call.body
        if call.params:
            url += "?" + urlencode(call.params, quote_via=quote, safe="")
        with self._counting:
            self.request_count += 1
        return self._http.request(
            call.method,
            url,
            headers={
                **call.headers,
                **(body.headers if body else {}),
                **({"Cookie": login.cookie} if login else {}),
            },
            timeout=self.server.timeout + (body.size // _SERVER_BYTES_PER_SECOND if body else 0),
            verify=self._verify,
            stream=call.stream,
            # A redirect is never followed: it may lead to a login page that then answers 200.
            allow_redirects=False,
            **(body.arguments() if body else {}),
        )

    @staticmethod
    def _answer(response: requests.Response) -> Answer:
        asked = retry_after(response.headers.get("Retry-After"))
        return Answer(response.status_code, response.content.decode("utf-8", "replace"), asked)

    def _redirected(self, method: str, path: str, doing: str, answer: Answer, location: str) -> RequestError:
        target = self.scrub(without_secret(location.split(";")[0].split("?")[0]))
        if "login" in target.lower():
            advice = f"The server sent us to its login page ({target}): it does not take this session. Run again."
        else:
            onward = target or "another address"
            advice = f"The server sends requests on to {onward}: set url to the address that it really has."
        return self.failure(method, path, doing, answer, advice)
