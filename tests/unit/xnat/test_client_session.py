"""One login, no writing in check mode, few retries, and one clear error for every kind of answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible.module_utils.xnat import session
from ansible.module_utils.xnat.errors import CheckModeError, ConnectError, InputError, LoginError, RequestError
from ansible.module_utils.xnat.server import Server
from ansible.module_utils.xnat.session import Session
from client_wire import LOGIN, LOGIN_ID, Wire

Connect = Callable[..., Session]
PAGE = (
    "<html>\n<head>\n   <title>Status page</title>\n</head>\n<body>\n<h3>No matched files</h3>"
    '<p>You can get technical details <a href="http://www.w3.org/">here</a>.<br>\n</p>\n</body>\n</html>'
)


def test_one_login_cookie_afterwards_and_logout(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (200, '{"ResultSet": {"Result": []}}'), (200, "{}"), (200, "")]
    with connect() as session:
        session.rows("/data/projects", "list")
        session.read("/data/projects/p", "read")
    assert wire.requests == [
        "POST /data/JSESSION",
        "GET /data/projects?format=json",
        "GET /data/projects/p?format=json",
        "DELETE /data/JSESSION",
    ]
    assert wire.headers[0]["Authorization"].startswith("Basic ")
    assert all("Authorization" not in headers for headers in wire.headers[1:])
    assert all(headers["Cookie"] == f"JSESSIONID={LOGIN_ID}" for headers in wire.headers[1:])
    assert not any(word in wire.headers[0]["User-Agent"] for word in ("Mozilla", "MSIE", "AppleWebKit", "Opera"))


def test_an_entry_of_netrc_is_not_added_past_what_was_asked_for(
    wire: Wire, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine xnat.test login other password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    wire.replies += [LOGIN, (200, "{}"), (200, "")]
    with connect() as session:
        session.read("/data/projects/p", "read")
    assert wire.headers[0]["Authorization"] == "Basic YW5hOnMzbnRpbmVsLXB3"
    assert all("Authorization" not in headers for headers in wire.headers[1:])


@pytest.mark.parametrize(
    ("environment", "settings", "way"),
    [
        ({}, {}, ({}, True)),
        ({"HTTPS_PROXY": "http://proxy.test:3128"}, {}, ({"https": "http://proxy.test:3128"}, True)),
        ({"HTTPS_PROXY": "http://proxy.test:3128", "NO_PROXY": ".test"}, {}, ({}, True)),
        ({"REQUESTS_CA_BUNDLE": "/own/ca.crt"}, {}, ({}, "/own/ca.crt")),
        ({"REQUESTS_CA_BUNDLE": "/own/ca.crt"}, {"validate_certs": False}, ({}, False)),
    ],
)
def test_proxy_and_ca_of_the_environment_hold_for_every_request(
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    connect: Connect,
    environment: dict[str, str],
    settings: dict[str, Any],
    way: tuple[Any, Any],
) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    wire.replies += [LOGIN, (200, "{}"), (200, "")]
    with connect(**settings) as session:
        session.read("/data/projects/p", "read")
    assert wire.ways == [way] * 3


def test_nothing_is_sent_without_a_request(wire: Wire, connect: Connect) -> None:
    with connect():
        pass
    assert wire.sent == []


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_check_mode_refuses_to_write(wire: Wire, connect: Connect, method: str) -> None:
    with connect(check_mode=True) as session, pytest.raises(CheckModeError, match=f"{method} /data/projects/p"):
        session.request(method, "/data/projects/p", "write")
    assert wire.sent == []


def test_an_alias_token_logs_in_in_place_of_a_password(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (200, "{}"), (200, "")]
    with connect(token="al1as:s3cret") as session:
        session.read("/data/projects/p", "read")
    assert wire.headers[0]["Authorization"] == "Basic YWwxYXM6czNjcmV0"


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        ((401, PAGE), LoginError, "User name or password is wrong"),
        ((403, "<h3>Your password has expired</h3>"), LoginError, "password has expired"),
        ((200, "<!DOCTYPE html><title>Shop</title>"), RequestError, "not as an XNAT does"),
        ((404, "nothing here"), RequestError, "not as an XNAT does"),
        ((302, "", {"Location": "https://other.test/data/JSESSION"}), RequestError, "set url to the address"),
        ((500, "boom"), RequestError, "XNAT failed inside"),
    ],
)
def test_a_login_that_fails(
    wire: Wire, connect: Connect, reply: tuple[int, str], error: type[Exception], message: str
) -> None:
    wire.replies.append(reply)
    with connect() as session, pytest.raises(error, match=message) as caught:
        session.read("/data/projects/p", "read project p")
    assert "POST /data/JSESSION" in str(caught.value)
    assert "s3ntinel-pw" not in str(caught.value)


def test_without_credentials_the_ways_to_give_them_are_named(wire: Wire, connect: Connect) -> None:
    with connect(password=None) as session, pytest.raises(LoginError, match=r"No password.*XNAT_PASSWORD.*\.netrc"):
        session.read("/data/projects/p", "read")
    assert wire.sent == []


def test_patience_ends(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (503, ""), (503, ""), (200, "")]
    with connect(retries=1) as session, pytest.raises(RequestError, match=r"answered 503. XNAT is starting"):
        session.read("/data/projects/p", "read")


def test_values_that_are_too_long_for_a_request_are_explained(wire: Wire, connect: Connect) -> None:
    page = "<html><title>414</title><h1>414 Request-URI Too Large</h1><hr>nginx</html>"
    wire.replies += [LOGIN, (414, page), (200, "")]
    with connect() as session, pytest.raises(RequestError, match=r"answered 414 .*too long for one request"):
        session.request("PUT", "/data/x", "write", {"note": "x" * 9000})


@pytest.mark.parametrize("status", [400, 403, 409, 500])
def test_an_answer_that_will_not_change_is_not_repeated(wire: Wire, connect: Connect, status: int) -> None:
    wire.replies += [LOGIN, (status, PAGE), (200, "")]
    with connect() as session, pytest.raises(RequestError) as caught:
        session.request("PUT", "/data/projects/p", "create project p")
    assert str(caught.value).startswith(
        f"Cannot create project p: PUT /data/projects/p answered {status} (No matched files)."
    )
    assert len(wire.sent) == 3


def test_a_web_page_is_no_success(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (200, "\n<!doctype HTML><p>Welcome"), (200, "")]
    with connect() as session, pytest.raises(RequestError, match="A web page came instead of an answer"):
        session.request("PUT", "/data/projects/p", "create project p")


def test_an_answer_that_is_no_json_is_no_success(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (200, "hello"), (200, "")]
    with connect() as session, pytest.raises(RequestError, match="The answer is not JSON"):
        session.read("/data/projects/p", "read")


def test_an_error_page_that_is_accepted_is_an_answer(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (404, PAGE), (200, "")]
    with connect() as session:
        assert session.read("/data/projects/p", "read") is None


def test_a_redirect_to_the_login_page_is_recognised(wire: Wire, connect: Connect) -> None:
    """Once it may be a session that ran out; after a new login it is something else."""
    away = (302, "", {"Location": "https://xnat.test/app/template/Login.vm?x=1"})
    wire.replies += [LOGIN, away, LOGIN, away, (200, "")]
    with connect() as session, pytest.raises(RequestError, match="sent us to its login page"):
        session.read("/data/projects/p", "read")


def test_an_expired_session_is_renewed_once(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (401, ""), (200, "FEDCBA9876543210FEDCBA9876543210"), (200, "{}"), (200, "")]
    with connect() as session:
        assert session.read("/data/projects/p", "read") == {}
    assert wire.headers[3]["Cookie"] == "JSESSIONID=FEDCBA9876543210FEDCBA9876543210"
    wire.replies += [LOGIN, (401, ""), LOGIN, (401, ""), (200, "")]
    with connect() as session, pytest.raises(RequestError, match="not logged in"):
        session.read("/data/projects/p", "read")


def test_an_expired_session_is_renewed_for_a_download_too(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (401, ""), LOGIN, (200, "hello"), (200, "")]
    with connect() as session:
        assert session.md5("/data/x/files/a", "read a") == ("5d41402abc4b2a76b9719d911017c592", 5)


@pytest.mark.parametrize(
    ("error", "message", "attempts"),
    [
        (
            requests.ConnectionError("NameResolutionError: Failed to resolve 'xnat.test'"),
            "host 'xnat.test' is unknown",
            1,
        ),
        (requests.ConnectionError("[Errno 111] Connection refused"), "nothing listens at xnat.test", 3),
        (requests.ReadTimeout("read timed out"), "did not answer within 60 s", 3),
        (requests.ConnectionError("Connection reset by peer"), "the connection to xnat.test broke", 3),
        (requests.exceptions.ProxyError("no"), "the proxy did not let us through", 3),
        (requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED: self-signed certificate"), "Give ca_path", 1),
        (requests.exceptions.SSLError("unable to get local issuer certificate"), "Give ca_path", 1),
        (OSError("Could not find a suitable TLS CA certificate bundle, invalid path: /no"), "REQUESTS_CA_BUNDLE", 1),
        (requests.exceptions.SSLError("Hostname mismatch, certificate is not valid"), "belongs to another name", 1),
        (requests.exceptions.SSLError("certificate has expired"), "has expired", 1),
        (requests.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER]"), "does not speak TLS", 1),
    ],
)
def test_a_broken_connection_says_what_to_do(
    wire: Wire, connect: Connect, error: Exception, message: str, attempts: int
) -> None:
    wire.replies += [error] * attempts
    with connect(retries=2) as session, pytest.raises(ConnectError, match=message) as caught:
        session.read("/data/projects/p", "read")
    assert "Cannot log in to https://xnat.test as ana: POST /data/JSESSION: " in str(caught.value)
    assert len(wire.sent) == attempts


def test_no_secret_leaves_in_an_error(wire: Wire, connect: Connect) -> None:
    basic = "YW5hOnMzbnRpbmVsLXB3"
    wire.replies += [LOGIN, (500, f"user ana, s3ntinel-pw, {basic}, JSESSIONID={LOGIN_ID}"), (200, "")]
    with connect() as session, pytest.raises(RequestError) as caught:
        session.request("PUT", "/data/projects/p", "write")
    assert "user ana, ********, ********, JSESSIONID=********" in str(caught.value)
    assert "s3ntinel-pw" not in repr(session.server)


def test_a_secret_is_not_cut_in_half_by_shortening(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (500, "x" * 290 + " s3ntinel-pw"), (200, "")]
    with connect() as session, pytest.raises(RequestError) as caught:
        session.request("PUT", "/data/projects/p", "write")
    assert "s3nt" not in str(caught.value)


def test_query_values_are_quoted(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (200, ""), (200, "")]
    with connect() as session:
        session.request("PUT", "/data/x", "write", {"note": "a&b=c d+e#f", "p[q=r]/s": "ü"})
    assert wire.requests[1] == "PUT /data/x?note=a%26b%3Dc%20d%2Be%23f&p%5Bq%3Dr%5D%2Fs=%C3%BC"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "xnat.test"}, "not a web address"),
        ({"url": "ftp://xnat.test"}, "not a web address"),
        ({"url": "https://"}, "not a web address"),
        ({"url": "https://ana:pw@xnat.test"}, "holds a user name or password"),
        ({"url": "https://:ana:pw@xnat.test"}, "holds a user name or password"),
        ({"url": "https://x/ana:pw@xnat.test"}, "holds a user name or password"),
        ({"url": "https://xnat.test:0x1"}, "not a web address"),
        ({"url": "https://[::1"}, "not a web address"),
        ({"url": "https://xnat.test\n"}, "not a web address"),
        ({"url": "https://xnat.test/?a=b"}, "no '\\?' or '#'"),
        ({"url": "https://xnat.test", "token": "half"}, "ALIAS:SECRET"),
        ({"url": "https://xnat.test", "ca_path": "/no/such/file"}, "there is no file '/no/such/file'"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Server(**settings)
    assert "ana:pw" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://[::1]:8443", "https://xn\u00e4t.test", "http://localhost/xnat", "http://a.b."]
)
def test_unusual_addresses_are_taken(url: str) -> None:
    assert Server(url).base == url


def test_a_slash_at_the_end_of_the_url_changes_nothing(tmp_path: Path) -> None:
    assert Server("https://xnat.test/path/").base == "https://xnat.test/path"


def test_an_older_urllib3_is_not_given_a_size_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian 12 and Ubuntu 22.04 have 1.26, which refuses every request of a pool that was made with one."""
    given: dict[str, object] = {}
    monkeypatch.setattr(session.HTTPAdapter, "init_poolmanager", lambda _self, *_args, **options: given.update(options))
    session._Adapter()
    assert given["blocksize"] == session._BLOCK
    given.clear()
    monkeypatch.setattr(session, "PoolKey", type("PoolKey", (), {"_fields": ("key_timeout",)}))
    session._Adapter()
    assert "blocksize" not in given
