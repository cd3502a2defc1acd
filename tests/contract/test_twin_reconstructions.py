"""XNAT's contract, sections 4 and 6: reconstructed images of a session, and their inputs and outputs."""

from __future__ import annotations

import pytest
from file_helpers import TEXT
from object_helpers import fields_of, item_of, labels_of, rows_of
from xnat_twin.testing import Session, XnatServer

MR = {"xsiType": "xnat:mrSessionData"}


@pytest.fixture
def name(xnat: XnatServer) -> str:
    """An ID that no other reconstruction of the site has."""
    return xnat.new_id("R")


@pytest.fixture
def image(api: Session, session: str, name: str) -> str:
    """`…/experiments/S1_MRI/reconstructions/NAME`."""
    api.put(f"{session}/reconstructions/{name}", params={"type": "average"}).raise_for_status()
    return f"{session}/reconstructions/{name}"


@pytest.mark.rule("reconstruction-put")
def test_put_is_always_200_and_empty_and_needs_no_type(api: Session, session: str, name: str) -> None:
    path = f"{session}/reconstructions/{name}"
    for params in ({"type": "average", "baseScanType": "T1"}, {"type": "sum"}):
        answer = api.put(path, params=params)
        assert (answer.status_code, answer.text) == (200, "")
    item = item_of(api, path)
    assert item["meta"]["xsi:type"] == "xnat:reconstructedImageData"
    assert (item["data_fields"]["type"], item["data_fields"]["baseScanType"]) == ("sum", "T1")
    assert fields_of(api, session, "reconstructions/reconstructedImage")["ID"] == name


@pytest.mark.rule("reconstruction-list")
def test_list_columns(api: Session, session: str, image: str, name: str) -> None:
    row = rows_of(api, f"{session}/reconstructions")[0]
    assert list(row) == ["xnat_reconstructedimagedata_id", "ID", "type", "baseScanType", "URI"]
    identifier = fields_of(api, session)["ID"]
    assert row["URI"] == f"/data/experiments/{identifier}/reconstructions/{name}"
    assert api.get(row["URI"]).status_code == 200


@pytest.mark.rule("reconstruction-list-missing")
def test_list_of_a_missing_session(api: Session, project: str, session: str) -> None:
    assert api.get(f"/data/projects/{project}/subjects/S1/experiments/none/reconstructions").status_code == 404
    assert api.get("/data/experiments/none/reconstructions").status_code == 500


@pytest.mark.rule("reconstruction-refused")
def test_what_is_no_reconstruction_of_a_session_is_refused(api: Session, project: str, session: str) -> None:
    path = f"{session}/reconstructions/R"
    assert api.put(path, params={"xsiType": "xnat:mrScanData"}).status_code == 422
    assert api.put(path, params={"xsiType": "xnat:noSuchData"}).status_code == 400
    assert api.put(f"{path}/bogus").status_code == 400
    assert api.put(f"{session}/reconstructions/a.b").status_code == 500
    assert api.put(f"/data/projects/{project}/subjects/S1/experiments/none/reconstructions/R").status_code == 417


@pytest.mark.rule("reconstruction-ids")
def test_id_is_unique_in_the_site_and_is_moved_from_session_to_session(
    api: Session, session: str, image: str, name: str
) -> None:
    other = session.replace("S1_MRI", "E2")
    api.put(other, params=MR).raise_for_status()
    assert api.get(f"{other}/reconstructions/{name}").status_code == 200, "the session is not looked at"
    assert api.put(f"{other}/reconstructions/{name}").status_code == 200
    assert rows_of(api, f"{session}/reconstructions") == []
    assert [row["ID"] for row in rows_of(api, f"{other}/reconstructions")] == [name]


@pytest.mark.rule("reconstruction-post", "list-post")
def test_post_answers_the_address_of_the_new_reconstruction(api: Session, session: str, name: str) -> None:
    path = f"{session}/reconstructions"
    answer = api.post(path, params={"ID": name, "type": "average"})
    assert answer.status_code in {200, 201}
    assert answer.text.endswith(f"{path}/{name}")
    assert api.post(path, params={"ID": name}).status_code == 409


@pytest.mark.rule("reconstruction-delete")
def test_delete_is_200_then_404_and_400_with_more_path(api: Session, image: str) -> None:
    assert api.delete(f"{image}/more").status_code == 400
    assert [api.delete(image).status_code for _ in range(2)] == [200, 404]


@pytest.mark.rule("reconstruction-rights")
def test_member_may_change_but_not_delete_and_reader_neither(xnat: XnatServer, project: str, image: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert (member.put(image).status_code, member.delete(image).status_code) == (200, 403)


@pytest.mark.rule("reconstruction-resources", "resource-in", "resource-out-is-default")
def test_inputs_and_outputs_are_kept_apart(api: Session, image: str, name: str) -> None:
    for way, content in (("in", b"in"), ("out", b"out")):
        api.put(f"{image}/{way}/resources/{way}/files/a.txt", data=content, headers=TEXT).raise_for_status()
    assert labels_of(api, f"{image}/in/resources") == ["in"]
    row = rows_of(api, f"{image}/resources")[0]
    assert (row["label"], row["category"], row["cat_id"], row["cat_desc"]) == (
        "out", "reconstructions", name, "average"
    )  # fmt: skip
    assert api.get(f"{image}/files/a.txt").content == b"out"
    uri = rows_of(api, f"{image}/in/resources/in/files")[0]["URI"]
    assert f"/reconstructions/{name}/in/resources/" in uri
    assert api.get(uri).content == b"in"


@pytest.mark.rule("archive-reconstructions")
@pytest.mark.practice_xnat("looks at the server's disk")
def test_folder_of_a_resource_depends_on_how_it_was_made(
    api: Session, xnat: XnatServer, project: str, image: str, name: str
) -> None:
    folder = xnat.archive / project / "arc001" / "S1_MRI"
    api.put(f"{image}/resources/PUT").raise_for_status()
    for resource in ("PUT", "UP"):
        api.put(f"{image}/resources/{resource}/files/a.txt", data=b"a", headers=TEXT).raise_for_status()
    made = folder / "ASSESSORS" / "PROCESSED" / name / "PUT"
    assert {file.name for file in made.iterdir()} == {"a.txt", f"{name}_catalog.xml"}
    assert (folder / "PROCESSED" / name / "UP" / "UP_catalog.xml").exists()


@pytest.mark.rule("reconstruction-delete-files")
@pytest.mark.practice_xnat("looks at the server's disk")
@pytest.mark.parametrize(("params", "left"), [({}, True), ({"removeFiles": "false"}, False)])
def test_files_go_if_remove_files_is_there_whatever_it_says(
    api: Session, xnat: XnatServer, project: str, image: str, name: str, params: dict[str, str], *, left: bool
) -> None:
    folder = xnat.archive / project / "arc001" / "S1_MRI" / "PROCESSED" / name
    api.put(f"{image}/resources/R/files/a.txt", data=b"a", headers=TEXT).raise_for_status()
    api.delete(image, params=params).raise_for_status()
    assert (folder / "R" / "a.txt").exists() == left


@pytest.mark.rule("resource-wrong-parent")
def test_get_below_a_missing_reconstruction_shows_the_subjects_resources(
    api: Session, project: str, session: str, name: str
) -> None:
    api.put(f"/data/projects/{project}/subjects/S1/resources/OF_SUBJECT").raise_for_status()
    wrong = f"{session}/reconstructions/{name}/resources"
    assert labels_of(api, wrong) == ["OF_SUBJECT"]
    assert api.head(wrong).status_code == 404
    assert api.delete(f"{wrong}/OF_SUBJECT").status_code == 404


@pytest.mark.rule("reconstruction-selectors")
def test_reconstructions_are_selected_by_id_or_type_or_all(api: Session, session: str, image: str, name: str) -> None:
    api.put(f"{session}/reconstructions/{name}_2", params={"type": "sum"}).raise_for_status()
    for one in (name, f"{name}_2"):
        api.put(f"{session}/reconstructions/{one}/resources/R/files/{one}.txt", data=b"a", headers=TEXT)

    def files(selector: str) -> list[str]:
        return sorted(row["Name"] for row in rows_of(api, f"{session}/reconstructions/{selector}/files"))

    assert files("ALL") == [f"{name}.txt", f"{name}_2.txt"]
    assert files("sum") == [f"{name}_2.txt"]
