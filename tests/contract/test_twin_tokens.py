"""XNAT's contract, section 1.3: alias tokens, which stand for a name and password until they expire."""

from __future__ import annotations

import time
import uuid

import pytest
import requests
from xnat_twin.testing import Practice, Session, XnatServer

TOKENS = "/data/services/tokens"


def _issued(http: Session) -> dict[str, str]:
    token: dict[str, str] = http.get(f"{TOKENS}/issue").json()
    return token


@pytest.mark.rule("token-issue", "token-login")
def test_token_logs_in_as_its_owner(xnat: XnatServer) -> None:
    user, password = xnat.new_user()
    token = _issued(xnat.session(user, password))
    assert uuid.UUID(token["alias"])
    assert token["xdatUserId"] == user
    http = xnat.session(token["alias"], token["secret"])
    assert http.get("/data/auth").text == f"User '{user}' is logged in"
    assert xnat.session(token["alias"], "wrong").get("/data/auth").status_code == 401


@pytest.mark.rule("token-lifetime")
def test_token_says_when_it_expires(api: Session) -> None:
    two_days = 2 * 86400
    lifetime = int(_issued(api)["estimatedExpirationTime"]) / 1000 - time.time()
    assert two_days - 60 < lifetime < two_days + 60


@pytest.mark.rule("token-lifetime")
def test_token_that_has_expired_is_unknown(practice: Practice) -> None:
    server = practice(name="tokens")
    with server.settings(aliasTokenTimeout="0 seconds"):
        token = _issued(server.session())
    assert server.session(token["alias"], token["secret"]).get("/data/auth").status_code == 401
    assert server.session().get(f"{TOKENS}/validate/{token['alias']}/{token['secret']}").status_code == 404


@pytest.mark.rule("token-for-others")
def test_tokens_for_others_are_for_administrators(xnat: XnatServer) -> None:
    user, password = xnat.new_user()
    assert xnat.session().get(f"{TOKENS}/issue/user/{user}").json()["xdatUserId"] == user
    assert xnat.session(user, password).get(f"{TOKENS}/issue/user/{xnat.admin}").status_code == 403
    assert xnat.session(user, password).get(f"{TOKENS}/issue/user/{user}").status_code == 200
    assert xnat.session().get(f"{TOKENS}/issue/user/nosuch").status_code == 400


@pytest.mark.rule("token-show")
def test_tokens_are_shown_with_their_secrets(xnat: XnatServer) -> None:
    user, password = xnat.new_user()
    http = xnat.session(user, password)
    token = _issued(http)
    shown = http.get(f"{TOKENS}/show").json()
    assert (token["alias"], token["secret"]) in [(one["alias"], one["secret"]) for one in shown]
    assert token["alias"] in [one["alias"] for one in xnat.session().get(f"{TOKENS}/show/user/{user}").json()]
    assert http.get(f"{TOKENS}/show/user/{xnat.admin}").status_code == 403


@pytest.mark.rule("token-validate")
def test_token_is_validated_with_its_secret(xnat: XnatServer) -> None:
    http = xnat.session()
    token = _issued(http)
    assert http.get(f"{TOKENS}/validate/{token['alias']}/{token['secret']}").json() == {"valid": xnat.admin}
    assert "valid" not in {k for k, v in http.get(f"{TOKENS}/validate/{token['alias']}/x").json().items() if v}
    assert http.get(f"{TOKENS}/validate/{token['alias']}").status_code == 401


@pytest.mark.rule("token-of-others")
def test_token_of_somebody_else_is_403(xnat: XnatServer) -> None:
    token = _issued(xnat.session())
    stranger = xnat.session(*xnat.new_user())
    assert stranger.get(f"{TOKENS}/validate/{token['alias']}/{token['secret']}").status_code == 403
    assert stranger.get(f"{TOKENS}/invalidate/{token['alias']}").status_code == 403


@pytest.mark.rule("token-invalidate", "token-invalid")
@pytest.mark.parametrize("end", ["", "/any-secret"])
def test_invalidated_token_is_401(xnat: XnatServer, end: str) -> None:
    http = xnat.session()
    token = _issued(http)
    assert http.get(f"{TOKENS}/invalidate/{token['alias']}{end}").json() == {"result": "OK"}
    assert xnat.session(token["alias"], token["secret"]).get("/data/auth").status_code == 401


@pytest.mark.rule("token-session-goes-on")
def test_session_of_an_invalidated_token_goes_on_without_the_header_only(xnat: XnatServer) -> None:
    token = _issued(xnat.session())
    http = xnat.session(token["alias"], token["secret"])
    assert http.get("/data/auth").status_code == 200
    assert xnat.session().get(f"{TOKENS}/invalidate/{token['alias']}").status_code == 200
    assert http.get("/data/auth").status_code == 401
    http.auth = None
    assert http.get("/data/auth").status_code == 200


@pytest.mark.rule("token-in-own-session")
def test_token_of_the_same_user_is_not_looked_at_in_a_session(xnat: XnatServer) -> None:
    http = xnat.session()
    token = _issued(http)
    identifier = http.get("/data/JSESSION").text
    http.auth = (token["alias"], "wrong")
    assert http.get("/data/JSESSION").text == identifier


@pytest.mark.rule("token-unknown")
@pytest.mark.parametrize("alias", ["00000000-0000-4000-8000-000000000000", "nosuch"])
def test_unknown_token_is_404(api: Session, alias: str) -> None:
    assert api.get(f"{TOKENS}/validate/{alias}/secret").status_code == 404
    assert api.get(f"{TOKENS}/invalidate/{alias}").status_code == 404


@pytest.mark.rule("token-unknown-operation")
def test_unknown_operation_is_400(api: Session) -> None:
    answer = api.get(f"{TOKENS}/renew")
    assert answer.status_code == 400
    assert "Unknown operation: renew" in answer.text


@pytest.mark.rule("token-guest")
def test_guest_gets_no_token(practice: Practice) -> None:
    server = practice(name="tokens")
    assert requests.get(f"{server.url}{TOKENS}/issue").status_code == 401
    with server.settings(requireLogin=False):
        answer = requests.get(f"{server.url}{TOKENS}/issue")
    assert answer.status_code == 403
    assert "The guest user can't request alias tokens" in answer.text


@pytest.mark.rule("token-ends-with-account")
def test_who_is_disabled_loses_his_tokens(practice: Practice) -> None:
    server = practice(name="tokens")
    user, password = server.new_user()
    token = _issued(server.session(user, password))
    api = server.session()
    api.put(f"/xapi/users/{user}", json={"enabled": False}).raise_for_status()
    api.put(f"/xapi/users/{user}", json={"enabled": True}).raise_for_status()
    assert server.session(token["alias"], token["secret"]).get("/data/auth").status_code == 401


@pytest.mark.rule("token-invalid-1-6")
def test_1_6_refuses_an_unknown_token_with_403(practice: Practice) -> None:
    answer = practice(flavour="1.6").session(str(uuid.uuid4()), "1").get("/data/auth")
    assert answer.status_code == 403
    assert "Your security token has expired." in answer.text


@pytest.mark.rule("token-1-6")
def test_1_6_tells_alias_and_secret_only_and_never_reads_a_token_from_the_path(practice: Practice) -> None:
    server = practice(flavour="1.6")
    http = server.session()
    answer = http.get(f"{TOKENS}/issue")
    assert answer.headers["Content-Type"].startswith("text/plain")
    token = answer.json()
    assert token.keys() == {"alias", "secret"}
    assert token["secret"].isdecimal()
    assert http.get(f"{TOKENS}/validate/{token['alias']}/{token['secret']}").status_code == 401
    assert http.get(f"{TOKENS}/invalidate/{token['alias']}").json() == {"result": "OK"}
    assert server.session(token["alias"], token["secret"]).get("/data/auth").status_code == 200
    assert http.get(f"{TOKENS}/show").status_code == 400
