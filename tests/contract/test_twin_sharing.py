"""XNAT's contract, sections 2 to 4: subjects and experiments that more than one project uses."""

from __future__ import annotations

import pytest
from xnat_twin.testing import Session, XnatServer


@pytest.fixture
def other(xnat: XnatServer) -> str:
    return xnat.new_project()


def _labels(api: Session, path: str) -> list[str]:
    return sorted(row["label"] for row in api.get(path).json()["ResultSet"]["Result"])


def test_shared_subject_is_in_both_projects_under_its_labels(
    api: Session, project: str, session: str, other: str
) -> None:
    path = f"/data/projects/{project}/subjects/S1"
    assert api.put(f"{path}/projects/{other}", params={"label": "guest"}).status_code == 200
    assert _labels(api, f"/data/projects/{project}/subjects") == ["S1"]
    assert _labels(api, f"/data/projects/{other}/subjects") == ["guest"]
    assert api.get(f"/data/projects/{other}/subjects/guest").status_code == 200


def test_second_share_of_a_subject_is_409_unless_it_brings_a_label(
    api: Session, project: str, session: str, other: str
) -> None:
    path = f"/data/projects/{project}/subjects/S1/projects/{other}"
    assert [api.put(path).status_code for _ in range(2)] == [200, 409]
    assert api.put(path, params={"label": "guest"}).status_code == 200
    assert _labels(api, f"/data/projects/{other}/subjects") == ["guest"]


def test_share_with_an_unknown_project_is_404(api: Session, project: str, session: str) -> None:
    assert api.put(f"/data/projects/{project}/subjects/S1/projects/none").status_code == 404


def test_share_needs_the_right_to_create_in_the_other_project(xnat: XnatServer, project: str, session: str) -> None:
    public = xnat.new_project("public")
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.put(f"/data/projects/{project}/subjects/S1/projects/{public}").status_code == 403


def test_project_whose_subject_is_shared_says_200_and_is_not_deleted(
    api: Session, project: str, session: str, other: str
) -> None:
    share = f"/data/projects/{project}/subjects/S1/projects/{other}"
    api.put(share)
    assert api.delete(f"/data/projects/{project}").status_code == 200
    assert api.get(f"/data/projects/{project}").status_code == 200
    assert api.delete(share).status_code == 200
    assert _labels(api, f"/data/projects/{other}/subjects") == []


def test_reader_of_the_other_project_reads_the_subject(
    xnat: XnatServer, project: str, session: str, other: str
) -> None:
    xnat.session().put(f"/data/projects/{project}/subjects/S1/projects/{other}", params={"label": "S1"})
    reader = xnat.session(*xnat.new_user(other, "Collaborators"))
    assert reader.get(f"/data/projects/{other}/subjects/S1").status_code == 200
    assert reader.get(f"/data/projects/{project}/subjects/S1").status_code == 404


def test_reader_of_the_other_project_reads_the_files(xnat: XnatServer, session: str, other: str) -> None:
    headers = {"Content-Type": "text/plain"}
    xnat.session().put(f"{session}/resources/R/files/a.txt", data=b"a", headers=headers).raise_for_status()
    xnat.session().put(f"{session}/projects/{other}", params={"label": "S1_MRI"}).raise_for_status()
    reader = xnat.session(*xnat.new_user(other, "Collaborators"))
    path = f"/data/projects/{other}/experiments/S1_MRI/resources/R/files/a.txt"
    assert reader.get(path).content == b"a"
    assert reader.delete(path).status_code == 403


def test_delete_from_the_other_project_only_ends_the_sharing(api: Session, session: str, other: str) -> None:
    api.put(f"{session}/projects/{other}", params={"label": "S1_MRI"}).raise_for_status()
    assert api.delete(f"/data/projects/{other}/experiments/S1_MRI").status_code == 200
    assert _labels(api, f"/data/projects/{other}/experiments") == []
    assert api.get(session).status_code == 200


def test_primary_gives_the_subject_away(api: Session, project: str, session: str, other: str) -> None:
    api.put(f"/data/projects/{project}/subjects/S2").raise_for_status()
    api.put(f"/data/projects/{project}/subjects/S2/projects/{other}", params={"primary": "true"}).raise_for_status()
    assert _labels(api, f"/data/projects/{project}/subjects") == ["S1"]
    assert _labels(api, f"/data/projects/{other}/subjects") == ["S2"]


def test_share_of_an_experiment_is_200_or_201_by_its_address(
    api: Session, xnat: XnatServer, project: str, session: str, other: str
) -> None:
    identifier = api.put(session).text
    assert api.put(f"{session}/projects/{other}").status_code == 200
    answer = api.put(f"/data/experiments/{identifier}/projects/{xnat.new_project()}")
    assert (answer.status_code, answer.text) == (201, identifier)
    assert _labels(api, f"/data/projects/{other}/experiments") == ["S1_MRI"]


def test_second_share_of_an_experiment_is_409_although_its_new_label_is_saved(
    api: Session, session: str, other: str
) -> None:
    api.put(f"{session}/projects/{other}", params={"label": "first"})
    assert api.put(f"{session}/projects/{other}", params={"label": "guest"}).status_code == 409
    assert _labels(api, f"/data/projects/{other}/experiments") == ["guest"]
