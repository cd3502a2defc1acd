"""The DPUK's data types are registered without the wizard, also for projects that are older than they are."""

from __future__ import annotations

from dpuk_node import ASSESSMENT, Node
from reach import Host, query

pytest_plugins = ["dpuk_node"]

TYPES = ("dpuk:dpukAssessmentData", "dpuk:dpukRiskFactorAssessmentData")
FORGET = """
DELETE FROM xdat_element_security WHERE element_name LIKE 'dpuk:%';
DELETE FROM xdat_primary_security_field WHERE primary_security_fields_primary_element_name LIKE 'dpuk:%';
DELETE FROM xdat_element_access WHERE element_name LIKE 'dpuk:%';
DELETE FROM dpuk_node.applied_sql WHERE name LIKE '%dpuk:%';
"""


def made(node: Node, data_type: str, field: str) -> int:
    """The status of making one in a project that is there."""
    path = f"/data/projects/modules/subjects/s1/experiments/{field.split('=', maxsplit=1)[0]}_1"
    status: int = node.admin.put(f"{path}?xsiType={data_type}&{data_type}/{field}").status_code
    return status


def test_one_of_each_can_be_made(dpuk: Node) -> None:
    assert made(dpuk, TYPES[0], "MMSE=30") in (200, 201)
    assert made(dpuk, TYPES[1], "APOE=e3e4") in (200, 201)


def test_nothing_is_left_of_the_proof(dpuk: Node, db: Host) -> None:
    rows = dpuk.admin.get("/data/projects?format=json").json()["ResultSet"]["Result"]
    assert [row["ID"] for row in rows if "proof" in row["ID"]] == []
    assert query(db, "SELECT count(*) FROM dpuk_node.applied_sql WHERE name LIKE 'registered dpuk:%'") == "2"


def test_what_is_not_registered_is_registered_by_the_next_run(dpuk: Node, db: Host) -> None:
    """As on a node whose wizard was never run: the projects are there, and nobody may make an assessment in them."""
    query(db, FORGET)
    assert dpuk.web.run("systemctl restart tomcat").rc == 0
    dpuk.wait()
    assert made(dpuk, TYPES[0], "MOCA=30") == 403
    outcome = dpuk.update(None, "data types registered")
    assert outcome.recap is not None
    assert TYPES[0] in outcome.said
    assert len(outcome.watch.gaps) == 1
    assert made(dpuk, TYPES[0], "MOCA=30") in (200, 201)
    assert made(dpuk, TYPES[1], "APOE=e2e3") in (200, 201)
    again = dpuk.update(None, "data types registered already")
    assert again.recap is not None
    assert (again.recap.changed, again.watch.gaps) == (0, [])
    assert dpuk.admin.get(ASSESSMENT).status_code == 200
