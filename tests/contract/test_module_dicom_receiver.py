"""xnat_dicom_receiver: found by AE title and port, changed as a whole, and the only one where that is asked for."""

from __future__ import annotations

import pytest
from module_runner import ModuleFailedError, Modules
from xnat_twin.testing import Practice, Session, XnatServer

pytest_plugins = ["module_fixtures"]
pytestmark = pytest.mark.practice_xnat("changes the receivers of the site")

Writes = list[tuple[str, str]]
SCP = "/xapi/dicomscp"


@pytest.fixture
def server(practice: Practice, request: pytest.FixtureRequest) -> XnatServer:
    return practice(name=f"receiver_{request.function.__name__}")


@pytest.fixture
def admin(server: XnatServer) -> Session:
    return server.session()


@pytest.fixture
def modules(server: XnatServer) -> Modules:
    return Modules(server.url, server.admin, server.password)


def titles(admin: Session) -> list[str]:
    return sorted(one["label"] for one in admin.get(SCP).json())


def test_life_of_a_receiver(modules: Modules, admin: Session, writes: Writes) -> None:
    key = {"ae_title": "DPUK", "port": 8105}
    first = {**key, "whitelist": ["SCANNER", "10.0.0.0/8"], "whitelist_enabled": True, "enabled": False}
    predicted = modules.dicom_receiver(check=True, **first)
    assert (writes, titles(admin)) == ([], ["XNAT:8104"])
    made = modules.dicom_receiver(**first)
    assert made["changed"] is predicted["changed"] is True
    assert made["diff"] == predicted["diff"]
    assert titles(admin) == ["DPUK:8105", "XNAT:8104"]

    writes.clear()
    for check in (False, True):
        again = modules.dicom_receiver(check=check, **first | {"whitelist": ["10.0.0.0/8", "SCANNER"]})
        assert again["changed"] is False, again["diff"]
    assert modules.dicom_receiver(**key)["changed"] is False, "naming it alone changes nothing"
    assert writes == []

    predicted = modules.dicom_receiver(check=True, **key, direct_archive=True)
    changed = modules.dicom_receiver(**key, direct_archive=True)
    assert changed["diff"] == predicted["diff"]
    assert changed["diff"]["after"].splitlines() == ["DICOM receiver DPUK:8105", "    directArchive: True"]
    assert (changed["object"]["enabled"], changed["object"]["whitelistEnabled"]) == (False, True), "others were touched"

    assert modules.dicom_receiver(check=True, **key, state="absent")["changed"] is True
    assert modules.dicom_receiver(**key, state="absent")["changed"] is True
    assert modules.dicom_receiver(**key, state="absent")["changed"] is False
    assert titles(admin) == ["XNAT:8104"]


def test_exclusive_one_replaces_what_xnat_comes_with(modules: Modules, admin: Session, writes: Writes) -> None:
    predicted = modules.dicom_receiver(check=True, ae_title="DPUK", exclusive=True)
    assert writes == []
    done = modules.dicom_receiver(ae_title="DPUK", exclusive=True)
    assert done["diff"] == predicted["diff"]
    assert done["diff"]["before"].startswith("DICOM receiver XNAT:8104")
    assert titles(admin) == ["DPUK:8104"]
    assert modules.dicom_receiver(ae_title="DPUK", exclusive=True)["changed"] is False


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ae_title": "seventeen letters"}, "ae_title: 'seventeen letters'"),
        ({"ae_title": " DPUK"}, "ae_title: ' DPUK'"),
        ({"ae_title": "a\\b"}, "ae_title:"),
        ({"port": 104}, "port: XNAT runs without privileges"),
        ({"port": 70000}, "port: 70000"),
        ({"identifier": "other"}, r"Cannot make the DICOM receiver DPUK:8104: POST .* answered 400 .*'other'"),
    ],
)
def test_what_is_wrong_is_told(modules: Modules, admin: Session, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ModuleFailedError, match=message):
        modules.dicom_receiver(**{"ae_title": "DPUK", **wrong})
    assert titles(admin) == ["XNAT:8104"]


def test_who_is_no_administrator_is_told(modules: Modules, server: XnatServer) -> None:
    user, password = server.new_user()
    with pytest.raises(ModuleFailedError, match="Only an administrator"):
        modules.dicom_receiver(username=user, password=password, ae_title="DPUK")
