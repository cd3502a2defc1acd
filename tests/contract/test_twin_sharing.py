"""XNAT's contract, sections 2 to 4: subjects and experiments that more than one project uses."""

from __future__ import annotations

import pytest
from object_helpers import labels_of
from xnat_twin.testing import Session, XnatServer

MR = {"xsiType": "xnat:mrSessionData"}


@pytest.fixture
def other(xnat: XnatServer) -> str:
    return xnat.new_project()


@pytest.mark.rule("share-subject", "share-label")
def test_shared_subject_is_in_both_projects_under_its_labels(
    api: Session, project: str, session: str, other: str
) -> None:
    path = f"/data/projects/{project}/subjects/S1"
    assert api.put(f"{path}/projects/{other}", params={"label": "guest"}).status_code == 200
    assert labels_of(api, f"/data/projects/{project}/subjects") == ["S1"]
    assert labels_of(api, f"/data/projects/{other}/subjects") == ["guest"]
    assert api.get(f"/data/projects/{other}/subjects/guest").status_code == 200


@pytest.mark.rule("share-subject-twice")
def test_second_share_of_a_subject_is_409_unless_it_brings_a_label(
    api: Session, project: str, session: str, other: str
) -> None:
    path = f"/data/projects/{project}/subjects/S1/projects/{other}"
    assert [api.put(path).status_code for _ in range(2)] == [200, 409]
    assert api.put(path, params={"label": "guest"}).status_code == 200
    assert labels_of(api, f"/data/projects/{other}/subjects") == ["guest"]


@pytest.mark.rule("share-unknown-project")
def test_share_with_an_unknown_project_is_404(api: Session, project: str, session: str) -> None:
    assert api.put(f"/data/projects/{project}/subjects/S1/projects/none").status_code == 404


@pytest.mark.rule("share-right")
def test_share_needs_the_right_to_create_in_the_other_project(xnat: XnatServer, project: str, session: str) -> None:
    public = xnat.new_project("public")
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.put(f"/data/projects/{project}/subjects/S1/projects/{public}").status_code == 403


@pytest.mark.rule("project-delete-shared", "unshare")
def test_project_whose_subject_is_shared_says_200_and_is_not_deleted(
    api: Session, project: str, session: str, other: str
) -> None:
    share = f"/data/projects/{project}/subjects/S1/projects/{other}"
    api.put(share)
    assert api.delete(f"/data/projects/{project}").status_code == 200
    assert api.get(f"/data/projects/{project}").status_code == 200
    assert api.delete(share).status_code == 200
    assert labels_of(api, f"/data/projects/{other}/subjects") == []


@pytest.mark.rule("share-read")
def test_reader_of_the_other_project_reads_the_subject(
    xnat: XnatServer, project: str, session: str, other: str
) -> None:
    xnat.session().put(f"/data/projects/{project}/subjects/S1/projects/{other}", params={"label": "S1"})
    reader = xnat.session(*xnat.new_user(other, "Collaborators"))
    assert reader.get(f"/data/projects/{other}/subjects/S1").status_code == 200
    assert reader.get(f"/data/projects/{project}/subjects/S1").status_code == 404


@pytest.mark.rule("share-read")
def test_reader_of_the_other_project_reads_the_files(xnat: XnatServer, session: str, other: str) -> None:
    headers = {"Content-Type": "text/plain"}
    xnat.session().put(f"{session}/resources/R/files/a.txt", data=b"a", headers=headers).raise_for_status()
    xnat.session().put(f"{session}/projects/{other}", params={"label": "S1_MRI"}).raise_for_status()
    reader = xnat.session(*xnat.new_user(other, "Collaborators"))
    path = f"/data/projects/{other}/experiments/S1_MRI/resources/R/files/a.txt"
    assert reader.get(path).content == b"a"
    assert reader.delete(path).status_code == 403


@pytest.mark.rule("unshare")
def test_delete_from_the_other_project_only_ends_the_sharing(api: Session, session: str, other: str) -> None:
    api.put(f"{session}/projects/{other}", params={"label": "S1_MRI"}).raise_for_status()
    assert api.delete(f"/data/projects/{other}/experiments/S1_MRI").status_code == 200
    assert labels_of(api, f"/data/projects/{other}/experiments") == []
    assert api.get(session).status_code == 200


@pytest.mark.rule("share-primary")
def test_primary_gives_the_subject_away(api: Session, project: str, session: str, other: str) -> None:
    api.put(f"/data/projects/{project}/subjects/S2").raise_for_status()
    api.put(f"/data/projects/{project}/subjects/S2/projects/{other}", params={"primary": "true"}).raise_for_status()
    assert labels_of(api, f"/data/projects/{project}/subjects") == ["S1"]
    assert labels_of(api, f"/data/projects/{other}/subjects") == ["S2"]


@pytest.mark.rule("share-experiment")
def test_share_of_an_experiment_is_200_or_201_by_its_address(
    api: Session, xnat: XnatServer, project: str, session: str, other: str
) -> None:
    identifier = api.put(session).text
    assert api.put(f"{session}/projects/{other}").status_code == 200
    answer = api.put(f"/data/experiments/{identifier}/projects/{xnat.new_project()}")
    assert (answer.status_code, answer.text) == (201, identifier)
    assert labels_of(api, f"/data/projects/{other}/experiments") == ["S1_MRI"]


@pytest.mark.rule("share-experiment-twice")
def test_second_share_of_an_experiment_is_409_although_its_new_label_is_saved(
    api: Session, session: str, other: str
) -> None:
    api.put(f"{session}/projects/{other}", params={"label": "first"})
    assert api.put(f"{session}/projects/{other}", params={"label": "guest"}).status_code == 409
    assert labels_of(api, f"/data/projects/{other}/experiments") == ["guest"]


@pytest.mark.rule("share-without-label")
def test_without_a_label_a_shared_object_is_listed_but_not_found_by_its_label(
    api: Session, session: str, other: str
) -> None:
    identifier = api.put(session).text
    api.put(f"{session}/projects/{other}").raise_for_status()
    assert labels_of(api, f"/data/projects/{other}/experiments") == ["S1_MRI"]
    assert api.get(f"/data/projects/{other}/experiments/S1_MRI").status_code == 404
    assert api.get(f"/data/projects/{other}/experiments/{identifier}").status_code == 200
    assert api.put(f"{session}/projects/{other}", params={"label": "guest"}).status_code == 500


@pytest.mark.rule("share-label-taken")
def test_share_under_a_label_that_is_taken_is_409(api: Session, project: str, session: str, other: str) -> None:
    subject = f"/data/projects/{project}/subjects/S1"
    api.put(f"/data/projects/{other}/subjects/taken/experiments/taken", params=MR).raise_for_status()
    for path in (subject, session):
        answer = api.put(f"{path}/projects/{other}", params={"label": "taken"})
        assert (answer.status_code, "Label already in use:taken" in answer.text) == (409, True)


@pytest.mark.rule("share-own-project")
def test_share_with_the_own_project_is_409(api: Session, project: str, session: str) -> None:
    assert api.put(f"{session}/projects/{project}").status_code == 409


@pytest.mark.rule("share-experiment")
def test_answer_to_a_share_depends_on_the_address(api: Session, xnat: XnatServer, project: str, session: str) -> None:
    """The item below a subject; elsewhere the ID, as if something had been stored."""
    identifier = api.put(session).text
    answers = [
        api.put(f"{path}/projects/{xnat.new_project()}")
        for path in (
            session,
            f"/data/projects/{project}/experiments/S1_MRI",
            f"/data/projects/{project}/experiments/{identifier}",
            f"/data/experiments/{identifier}",
        )
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 201, 201]
    assert [answer.text == identifier for answer in answers] == [False, True, True, True]


@pytest.mark.rule("share-primary")
def test_primary_gives_an_experiment_away_with_its_files(api: Session, project: str, session: str, other: str) -> None:
    file = "resources/R/files/a.txt"
    api.put(f"{session}/{file}", data=b"a", headers={"Content-Type": "text/plain"}).raise_for_status()
    identifier = api.put(session).text
    answer = api.put(f"{session}/projects/{other}", params={"primary": "true", "label": "moved"})
    assert (answer.status_code, answer.text) == (200, "")
    assert labels_of(api, f"/data/projects/{project}/experiments") == []
    assert labels_of(api, f"/data/projects/{other}/experiments") == ["moved"]
    assert api.get(f"/data/experiments/{identifier}/{file}").content == b"a"


@pytest.mark.rule("share-primary-by-id")
def test_primary_by_the_id_alone_moves_and_then_fails(api: Session, session: str, other: str) -> None:
    identifier = api.put(session).text
    assert api.put(f"/data/experiments/{identifier}/projects/{other}", params={"primary": "true"}).status_code == 500
    assert labels_of(api, f"/data/projects/{other}/experiments") == ["S1_MRI"]


@pytest.mark.rule("share-primary-right")
def test_only_owners_give_something_away(xnat: XnatServer, project: str, session: str, other: str) -> None:
    user, password = xnat.new_user(project, "Members")
    xnat.session().put(f"/data/projects/{other}/users/Owners/{user}").raise_for_status()
    member = xnat.session(user, password)
    for path in (f"/data/projects/{project}/subjects/S1", session):
        assert member.put(f"{path}/projects/{other}", params={"primary": "true"}).status_code == 403
    assert member.put(f"{session}/projects/{other}").status_code == 200


@pytest.mark.rule("share-read-only")
def test_member_of_the_other_project_changes_nothing(xnat: XnatServer, project: str, session: str, other: str) -> None:
    xnat.session().put(f"{session}/projects/{other}", params={"label": "guest"}).raise_for_status()
    user = xnat.session(*xnat.new_user(other, "Members"))
    path = f"/data/projects/{other}/experiments/guest"
    assert user.get(path).status_code == 200
    assert user.put(path, params={"xnat:mrSessionData/note": "n"}).status_code == 403
    assert user.put(f"{path}/resources/R").status_code == 403


@pytest.mark.rule("unshare")
def test_unshare_needs_an_owner_of_the_other_project(xnat: XnatServer, project: str, session: str, other: str) -> None:
    share = f"/data/projects/{project}/subjects/S1/projects/{other}"
    xnat.session().put(share).raise_for_status()
    assert xnat.session(*xnat.new_user(project, "Owners")).delete(share).status_code == 404
    assert xnat.session().delete(share).status_code == 200
    assert xnat.session().delete(share).status_code == 403, "the project does not have it any more"


@pytest.mark.rule("unshare-own-project")
def test_unshare_from_the_own_project_is_a_deletion(api: Session, project: str, session: str) -> None:
    assert api.delete(f"{session}/projects/{project}").status_code == 200
    assert api.get(session).status_code == 404


@pytest.mark.rule("unshare-with-experiments")
def test_unshare_of_a_subject_takes_its_experiments_along(api: Session, project: str, session: str, other: str) -> None:
    subject = f"/data/projects/{project}/subjects/S1"
    api.put(f"{subject}/projects/{other}", params={"label": "guest"}).raise_for_status()
    api.put(f"{session}/projects/{other}", params={"label": "guest_MRI"}).raise_for_status()
    api.delete(f"/data/projects/{other}/subjects/guest").raise_for_status()
    assert labels_of(api, f"/data/projects/{other}/experiments") == []
    api.put(f"{subject}/projects/{other}", params={"label": "guest"}).raise_for_status()
    api.put(f"/data/projects/{other}/subjects/guest/experiments/own", params=MR).raise_for_status()
    answer = api.delete(f"/data/projects/{other}/subjects/guest")
    assert (answer.status_code, "would delete an experiment (rather than un-share)" in answer.text) == (403, True)


@pytest.mark.rule("project-delete-shared")
def test_project_with_anothers_experiment_on_its_subject_is_not_deleted(
    api: Session, xnat: XnatServer, other: str
) -> None:
    project = xnat.new_project()
    session = f"/data/projects/{project}/subjects/S1/experiments/E1"
    api.put(session, params=MR).raise_for_status()
    api.put(f"{session}/projects/{other}", params={"primary": "true"}).raise_for_status()
    assert api.delete(f"/data/projects/{project}").status_code == 200
    assert api.get(f"/data/projects/{project}").status_code == 200
    assert labels_of(api, f"/data/projects/{other}/experiments") == ["E1"]
