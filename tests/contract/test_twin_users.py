"""XNAT's contract, section 11: accounts. What they may do is in test_twin_rights.py."""

from __future__ import annotations

import pytest
import requests
from xnat_twin.testing import Practice, Session, XnatServer

USERS = "/xapi/users"


@pytest.fixture
def server(practice: Practice) -> XnatServer:
    """A server whose accounts these tests may change; XNAT cannot delete accounts."""
    return practice(name="users")


@pytest.fixture
def admin(server: XnatServer) -> Session:
    return server.session()


def _account(server: XnatServer, **values: object) -> dict[str, object]:
    name = server.new_id("u")
    given = {"username": name, "password": "secret", "firstName": "A", "lastName": "B", "email": f"{name}@example.org"}
    return given | {"enabled": True, "verified": True} | values


@pytest.mark.rule("user-create", "user-json")
def test_new_account_is_201_and_described_without_its_password(server: XnatServer, admin: Session) -> None:
    given = _account(server)
    answer = admin.post(USERS, json=given | {"admin": True, "confirmPassword": "secret"})
    assert answer.status_code == 201
    user = answer.json()
    assert {name: user[name] for name in ("username", "firstName", "lastName", "email", "enabled", "verified")} == {
        name: value for name, value in given.items() if name != "password"
    }
    assert (user["secured"], isinstance(user["id"], int), isinstance(user["lastModified"], int)) == (True, True, True)
    assert not {"password", "fullName", "lastSuccessfulLogin"} & user.keys()
    http = server.session(str(given["username"]), "secret")
    assert http.get("/data/auth").status_code == 200
    assert http.get(f"{USERS}/{given['username']}").json()["lastSuccessfulLogin"] > 0
    assert http.get("/xapi/users/active").status_code == 403  # `admin` in the body makes nobody one


@pytest.mark.rule("user-exists")
def test_account_that_exists_is_409(server: XnatServer, admin: Session) -> None:
    given = _account(server)
    assert admin.post(USERS, json=given).status_code == 201
    assert admin.post(USERS, json=given).status_code == 409


@pytest.mark.rule("user-format")
@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"username": ""}, "Missing fields: username"),
        ({"username": "1abc"}, "Invalid username format"),
        ({"username": "a b"}, "Invalid username format"),
        ({"email": "nobody"}, "Invalid email format"),
        ({"firstName": None, "lastName": ""}, "Missing fields: firstName, lastName"),
        ({"lastName": "<b>"}, "Invalid lastName format"),
    ],
)
def test_account_with_bad_or_missing_fields_is_400(
    server: XnatServer, admin: Session, values: dict[str, object], complaint: str
) -> None:
    answer = admin.post(USERS, json=_account(server) | values)
    assert answer.status_code == 400
    assert complaint in answer.text


@pytest.mark.rule("user-verified-needs-enabled")
def test_verified_is_not_looked_at_without_enabled(server: XnatServer, admin: Session) -> None:
    given = {name: value for name, value in _account(server, verified=False).items() if name != "enabled"}
    assert admin.post(USERS, json=given).json()["verified"] is True


@pytest.mark.rule("user-password-complexity")
def test_password_that_is_too_simple_is_500_for_a_new_and_an_old_account(server: XnatServer, admin: Session) -> None:
    user, _ = server.new_user()
    with server.settings(passwordComplexity="^.{8,}$"):
        given = _account(server, password="short")
        assert admin.post(USERS, json=given).status_code == 500
        assert admin.get(f"{USERS}/{given['username']}").status_code == 500
        assert admin.put(f"{USERS}/{user}", json={"password": "short"}).status_code == 500
        assert admin.put(f"{USERS}/{user}", json={"password": "long enough"}).status_code == 200


@pytest.mark.rule("user-put", "user-put-304")
def test_put_changes_and_says_when_nothing_was_new(server: XnatServer, admin: Session) -> None:
    user, _ = server.new_user()
    path = f"{USERS}/{user}"
    answer = admin.put(path, json={"firstName": "Other", "enabled": False, "username": user})
    assert (answer.status_code, answer.json()["firstName"], answer.json()["enabled"]) == (200, "Other", False)
    again = admin.put(path, json={"firstName": "Other", "enabled": False})
    assert (again.status_code, again.content) == (304, b"")
    assert admin.put(path, json={"firstName": "", "lastName": None}).status_code == 304


@pytest.mark.rule("user-put-password")
def test_password_counts_as_a_change_even_if_it_is_the_same(server: XnatServer, admin: Session) -> None:
    user, password = server.new_user()
    assert [admin.put(f"{USERS}/{user}", json={"password": password}).status_code for _ in range(2)] == [200, 200]
    assert server.session(user, password).get("/data/auth").status_code == 200


@pytest.mark.rule("user-put-refused")
def test_put_of_a_missing_account_is_404_and_of_bad_values_400(server: XnatServer, admin: Session) -> None:
    user, password = server.new_user()
    assert admin.put(f"{USERS}/nosuch", json={"firstName": "X"}).status_code == 404
    assert admin.put(f"{USERS}/{user}", json={"email": "nobody"}).status_code == 400
    assert admin.put(f"{USERS}/{user}", json={"username": "other"}).status_code == 400
    assert server.session(user, password).put(f"{USERS}/{user}", json={"firstName": "X"}).status_code == 403


@pytest.mark.rule("user-get", "user-missing-500")
def test_account_is_seen_by_itself_and_administrators_and_a_missing_one_is_500(
    server: XnatServer, admin: Session
) -> None:
    user, password = server.new_user()
    http = server.session(user, password)
    assert http.get(f"{USERS}/{user}").json()["username"] == user
    refused = http.get(f"{USERS}/admin")
    assert (refused.status_code, refused.content) == (403, b"")
    missing = admin.get(f"{USERS}/nosuch")
    assert (missing.status_code, missing.headers["Content-Type"].partition(";")[0]) == (500, "text/plain")


@pytest.mark.rule("user-list", "user-profiles", "restricted-user-list")
def test_names_and_profiles_are_for_everyone_unless_they_are_restricted(server: XnatServer, admin: Session) -> None:
    user, password = server.new_user()
    http = server.session(user, password)
    assert {"admin", "guest", user} <= set(http.get(USERS).json())
    profiles = {profile["username"]: profile for profile in http.get(f"{USERS}/profiles").json()}
    assert profiles[user]["email"] == f"{user}@example.org"
    assert http.get(f"{USERS}/profile/admin").json()["username"] == "admin"
    assert http.get(f"{USERS}/profile").json()["username"] == user
    assert http.get(f"{USERS}/username").text == user
    assert http.get(f"{USERS}/profile/nosuch").status_code == 404
    with server.settings(restrictUserListAccessToAdmins=True):
        for path in (USERS, f"{USERS}/profiles", f"{USERS}/profile/admin"):
            assert http.get(path).status_code == 403
            assert admin.get(path).status_code == 200
        assert http.get(f"{USERS}/profile/{user}").status_code == 200
        assert http.get("/data/users").status_code == 403
        assert admin.get("/data/users").status_code == 200


@pytest.mark.rule("data-users")
def test_table_of_users_has_those_who_are_enabled(server: XnatServer, admin: Session) -> None:
    user, _ = server.new_user()
    gone, _ = server.new_user()
    admin.put(f"{USERS}/{gone}/enabled/false").raise_for_status()
    lines = admin.get("/data/users", params={"format": "csv"}).text.splitlines()
    assert lines[0] == "xdat_user_id,login,firstname,lastname,email"
    logins = [line.split(",")[1] for line in lines[1:]]
    assert {"admin", "guest", user} <= set(logins)
    assert gone not in logins
    rows = admin.get("/data/users").json()["ResultSet"]["Result"]
    assert [row["lastname"] for row in rows] == sorted(row["lastname"] for row in rows)


@pytest.mark.rule("data-users")
def test_table_of_users_is_not_for_guests(server: XnatServer) -> None:
    with server.settings(requireLogin=False):
        assert requests.get(f"{server.url}/data/users").status_code == 403


@pytest.mark.rule("user-flags")
@pytest.mark.parametrize("flag", ["enabled", "verified"])
def test_enabled_and_verified_have_addresses_of_their_own(server: XnatServer, admin: Session, flag: str) -> None:
    user, password = server.new_user()
    path = f"{USERS}/{user}/{flag}"
    assert admin.get(path).json() is True
    for _ in range(2):
        answer = admin.put(f"{path}/false")
        assert (answer.status_code, answer.content) == (200, b"")
    assert admin.get(path).json() is False
    assert server.session(user, password).get("/data/auth").status_code == 401
    assert admin.put(f"{path}/perhaps").status_code == 500
    assert admin.put(f"{USERS}/nosuch/{flag}/true").status_code == 404
    assert server.session(*server.new_user()).put(f"{path}/true").status_code == 403


@pytest.mark.rule("xapi-errors", "xapi-malformed-500")
def test_errors_are_text_refusals_are_empty_and_malformed_json_is_500(server: XnatServer, admin: Session) -> None:
    broken = admin.post(USERS, data="{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.headers["Content-Type"].partition(";")[0]) == (500, "text/plain")
    assert admin.post(USERS, data="[]", headers={"Content-Type": "application/json"}).status_code == 500
    assert admin.post(USERS, data={"username": "form"}).status_code == 500
    refused = server.session(*server.new_user()).post(USERS, json=_account(server))
    assert (refused.status_code, refused.content) == (403, b"")


@pytest.mark.rule("guest-account")
def test_nobody_logs_in_as_the_guest(server: XnatServer, admin: Session) -> None:
    assert admin.get(f"{USERS}/guest").json()["username"] == "guest"
    for password in ("", "guest"):
        assert server.session("guest", password or " ").get("/data/auth").status_code == 401
