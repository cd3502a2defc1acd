"""Traps on the way to an object, and requests that must not leave: on a wire whose answers are written here."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from ansible.module_utils.xnat import model, parents, resource
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.errors import ConflictError, RequestError, VerificationError, XnatError
from ansible.module_utils.xnat.plan import Labels
from ansible.module_utils.xnat.session import Session
from client_wire import LOGIN, Reply, Wire

Connect = Callable[..., Session]
EXPERIMENT = {"ID": "X1", "label": "e", "xsiType": "xnat:mrSessionData", "subject_label": "s"}


def table(*rows: dict[str, str]) -> Reply:
    return (200, json.dumps({"ResultSet": {"Result": list(rows)}}))


def test_two_resources_of_one_label_are_reported(wire: Wire, connect: Connect) -> None:
    """Two clients that make a label at the same time leave two of them; XNAT then picks one at random."""
    twice = [{"label": "R", "xnat_abstractresource_id": number} for number in ("1", "2")]
    wire.replies += [LOGIN, table(*twice), (200, "")]
    with connect() as session, pytest.raises(ConflictError, match=r"2 resources named R .*numbers 1, 2"):
        resource.find(session, Address("p", resource="R"))


def test_files_of_two_resources_of_one_label_are_reported(wire: Wire, connect: Connect) -> None:
    files = [
        {"Name": "a", "URI": f"/data/projects/p/resources/{n}/files/a", "collection": "R", "cat_ID": n} for n in "12"
    ]
    twice = [{"label": "R", "xnat_abstractresource_id": number} for number in ("1", "2")]
    wire.replies += [LOGIN, table(*files), table(*twice), (200, "")]
    with connect() as session, pytest.raises(ConflictError, match=r"2 resources named R .*numbers 1, 2"):
        resource.list_files(session, Address("p", resource="R"))


def test_files_of_another_resource_are_not_taken_for_ours(wire: Wire, connect: Connect) -> None:
    row = {"Name": "a", "Size": "1", "URI": "/data/projects/p/resources/7/files/a", "collection": "OTHER", "digest": ""}
    wire.replies += [LOGIN, table(row), (200, "")]
    with connect() as session, pytest.raises(ConflictError, match="answered with files of resource OTHER"):
        resource.list_files(session, Address("p", resource="R"))


def test_a_listing_without_size_or_digest_says_unknown(wire: Wire, connect: Connect) -> None:
    row = {"Name": "b", "Size": "", "URI": "/data/x/resources/7/files/a/b", "collection": "R", "digest": ""}
    wire.replies += [LOGIN, table(row), (200, "")]
    with connect() as session:
        (file,) = resource.list_files(session, Address("p", resource="R")).files
    assert (file.name, file.size, file.digest) == ("a/b", None, None)


def test_an_assessor_is_found_and_its_resources_go_through_the_session_id(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, table(EXPERIMENT), table({"ID": "X2", "label": "qc"}), table(), (200, ""), (200, "")]
    wire.replies[4:4] = [(200, ""), table({"label": "R", "xnat_abstractresource_id": "3"})]
    with connect() as session:
        where = Address("p", "s", "e", None, "qc", "R")
        made = resource.ensure_resource(session, where, Labels(), create_parents=True)
    assert made.changed
    assert "PUT /data/experiments/X1/assessors/qc/resources/R" in wire.requests


def test_a_missing_assessor_is_not_made_on_the_way(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, table(EXPERIMENT), table(), (200, "")]
    with connect() as session, pytest.raises(XnatError, match="An assessor has a data type of its own"):
        resource.ensure_resource(session, Address("p", "s", "e", None, "qc", "R"), Labels(), create_parents=True)


def test_an_existing_experiment_is_changed_in_its_own_project(wire: Wire, connect: Connect) -> None:
    """A subject's path clears visit and protocol; by its ID alone XNAT takes no shortcut and finds no project."""
    home = {"ID": "X1", "label": "e", "project": "home"}
    item = {"items": [{"data_fields": home, "meta": {"xsi:type": "xnat:mrSessionData"}}]}
    changed = {"items": [{"data_fields": {"note": "n"}, "meta": {"xsi:type": "xnat:mrSessionData"}}]}
    wire.replies += [LOGIN, table(EXPERIMENT), (200, json.dumps(item)), (200, "X1"), (200, json.dumps(changed))]
    wire.replies += [(200, "")]
    with connect() as session:
        assert model.ensure(session, Address("p", "s", "e"), model.Desired({"note": "n"})).changed
    assert wire.requests[3] == "PUT /data/projects/home/experiments/e?xnat%3AmrSessionData%2Fnote=n"


@pytest.mark.parametrize("subject", ["s", "XNAT_S1"])
def test_an_experiment_that_the_list_does_not_show_yet_is_found(wire: Wire, connect: Connect, subject: str) -> None:
    """XNAT's lists lag behind, and two runs may make the same experiment at the same time."""
    item = {"data_fields": {"ID": "X1", "subject_ID": "XNAT_S1"}, "meta": {"xsi:type": "xnat:petSessionData"}}
    owner = {"items": [{"data_fields": {"ID": "XNAT_S1", "label": "s"}}]}
    wire.replies += [LOGIN, table(), (200, json.dumps({"items": [item]})), (200, json.dumps(owner)), table(), (200, "")]
    with connect() as session:
        place = parents.locate(session, Address("p", subject, "e", "1"), for_resource=True)
    assert (place.address.experiment_id, place.missing) == ("X1", ["scan"])
    assert parents.types_for(place)["scan"] == "xnat:petScanData"


@pytest.mark.parametrize("body", ["", "<p>hello</p>", "two words"])
def test_a_new_experiment_without_an_id_is_an_error(wire: Wire, connect: Connect, body: str) -> None:
    wire.replies += [LOGIN, table(), (404, ""), (201, body), (200, "")]
    with connect() as session, pytest.raises(RequestError, match="did not say under which ID it was made"):
        model.ensure(session, Address("p", "s", "e"), model.Desired())


def test_a_label_goes_before_an_id(wire: Wire, connect: Connect) -> None:
    """An experiment may be labelled with the ID of another one."""
    rows = [{**EXPERIMENT, "ID": "e", "label": "other"}, EXPERIMENT]
    wire.replies += [LOGIN, table(*rows), (200, "")]
    with connect() as session:
        place = parents.locate(session, Address("p", "s", "e"))
    assert place.address.experiment_id == "X1"


@pytest.mark.parametrize("status", [200, 409])
def test_a_resource_that_was_not_made_despite_200_is_an_error(wire: Wire, connect: Connect, status: int) -> None:
    wire.replies += [LOGIN, (200, '{"items": [{"data_fields": {"ID": "p"}}]}'), table(), (status, ""), table()]
    wire.replies += [(200, "")]
    with connect() as session, pytest.raises(VerificationError, match="did not make the resource R"):
        resource.ensure_resource(session, Address("p", resource="R"), Labels(), create_parents=True)


def test_a_delete_that_takes_others_along_is_not_reported_as_success(wire: Wire, connect: Connect) -> None:
    rows = [
        {
            "Name": name,
            "Size": "1",
            "URI": f"/data/projects/p/resources/7/files/{name}",
            "collection": "R",
            "digest": "d",
        }
        for name in ("a", "b")
    ]
    wire.replies += [LOGIN, (200, '{"items": [{"data_fields": {"ID": "p"}}]}'), table(*rows), (200, ""), table()]
    wire.replies += [(200, "")]
    with connect() as session, pytest.raises(VerificationError, match=r"took other files along.*: b"):
        resource.remove_file(session, Address("p", resource="R"), "a")


def test_a_delete_that_did_nothing_is_not_reported_as_success(wire: Wire, connect: Connect) -> None:
    row = {"Name": "a", "Size": "1", "URI": "/data/projects/p/resources/7/files/a", "collection": "R", "digest": "d"}
    wire.replies += [LOGIN, (200, '{"items": [{"data_fields": {"ID": "p"}}]}'), table(row), (200, ""), table(row)]
    wire.replies += [(200, "")]
    with connect() as session, pytest.raises(VerificationError, match="XNAT did not delete a"):
        resource.remove_file(session, Address("p", resource="R"), "a")


def test_a_resource_that_is_still_there_after_its_deletion_is_an_error(wire: Wire, connect: Connect) -> None:
    """XNAT answers 207 or 200 also where it deleted a part, and 200 where there was nothing."""
    row = {"label": "R", "xnat_abstractresource_id": "7"}
    wire.replies += [LOGIN, (200, '{"items": [{"data_fields": {"ID": "p"}}]}'), table(row), (200, ""), table(row)]
    wire.replies += [(200, "")]
    with (
        connect() as session,
        pytest.raises(VerificationError, match="200 and the resource R of project p is still"),
    ):
        resource.remove_resource(session, Address("p", resource="R"))
    assert "DELETE /data/projects/p/resources/R?removeFiles=true" in wire.requests


@pytest.mark.parametrize(
    ("scan_type", "session_type", "expected"),
    [
        (None, None, ("xnat:mrSessionData", "xnat:mrScanData")),
        ("xnat:ctScanData", None, ("xnat:ctSessionData", "xnat:ctScanData")),
        (None, "xnat:petSessionData", ("xnat:petSessionData", "xnat:petScanData")),
        ("xnat:otherDicomScanData", None, ("xnat:mrSessionData", "xnat:otherDicomScanData")),
        (None, "foo:barSessionData", ("foo:barSessionData", "xnat:mrScanData")),
    ],
)
def test_types_for_what_is_made(scan_type: str | None, session_type: str | None, expected: tuple[str, str]) -> None:
    place = parents.Place(
        Address("p", "s", "e"), rows={"experiment": {"xsiType": session_type}} if session_type else {}
    )
    types = parents.types_for(place, scan_type)
    assert (types["experiment"], types["scan"]) == expected
