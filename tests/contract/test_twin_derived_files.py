"""XNAT's contract, sections 6 to 8: files of image assessors and reconstructions, which go in or out."""

from __future__ import annotations

import io
import zipfile

import pytest
from file_helpers import listed, put
from xnat_twin.testing import Session


@pytest.fixture
def assessor(api: Session, session: str) -> str:
    path = f"{session}/assessors/QC"
    api.put(path, params={"xsiType": "xnat:qcManualAssessorData"}).raise_for_status()
    return path


@pytest.fixture
def reconstruction(api: Session, session: str) -> str:
    path = f"{session}/reconstructions/mask"
    api.put(path, params={"xsiType": "xnat:reconstructedImageData", "type": "brain mask"}).raise_for_status()
    return path


def _zipped(api: Session, path: str, **params: str) -> list[str]:
    answer = api.get(path, params={"format": "zip", **params})
    answer.raise_for_status()
    return sorted(zipfile.ZipFile(io.BytesIO(answer.content)).namelist())


@pytest.mark.rule("derived-files")
@pytest.mark.parametrize("kind", ["assessor", "reconstruction"])
def test_inputs_and_outputs_are_apart_and_outputs_are_the_default(
    api: Session, request: pytest.FixtureRequest, kind: str
) -> None:
    owner = request.getfixturevalue(kind)
    for direction in ("in", "out"):
        put(api, f"{owner}/{direction}/resources/{direction.upper()}/files/{direction}.txt").raise_for_status()
    assert list(listed(api, f"{owner}/files")) == list(listed(api, f"{owner}/out/files")) == ["out.txt"]
    assert list(listed(api, f"{owner}/in/files")) == ["in.txt"]
    assert api.get(f"{owner}/resources/OUT/files/out.txt").content == b"x"
    api.delete(f"{owner}/in/resources/IN/files/in.txt").raise_for_status()
    assert listed(api, f"{owner}/in/files") == {}


@pytest.mark.rule("derived-file-uris")
def test_uris_say_whose_files_they_are_and_which_way_they_go(
    api: Session, session: str, assessor: str, reconstruction: str
) -> None:
    identifiers = [api.put(path).text for path in (session, assessor)]
    expected = {
        assessor: f"/data/experiments/{identifiers[0]}/assessors/{identifiers[1]}/out",
        reconstruction: f"/data/experiments/{identifiers[0]}/reconstructions/mask/out",
    }
    for owner, uri in expected.items():
        put(api, f"{owner}/out/resources/R/files/a.txt").raise_for_status()
        (row,) = api.get(f"{owner}/out/files").json()["ResultSet"]["Result"]
        assert row["URI"] == f"{uri}/resources/{row['cat_ID']}/files/a.txt"
        assert api.get(row["URI"]).content == b"x"


@pytest.mark.rule("bulk-derived")
def test_archive_of_derived_files(api: Session, session: str, assessor: str, reconstruction: str) -> None:
    for owner in (assessor, reconstruction):
        put(api, f"{owner}/out/resources/R/files/a.txt").raise_for_status()
    assert _zipped(api, f"{assessor}/out/files") == ["QC/out/resources/R/files/a.txt"]
    assert _zipped(api, f"{reconstruction}/out/files") == [
        "S1_MRI/reconstructions/mask-brain_mask/out/resources/R/files/a.txt"
    ]
    assert _zipped(api, f"{reconstruction}/files", structure="improved") == ["reconstructions/mask_brain mask/R/a.txt"]
    assert _zipped(api, f"{session}/files", all="true") == [
        "S1_MRI/assessors/" + api.put(assessor).text + "/out/resources/R/files/a.txt",
        "S1_MRI/reconstructions/mask/out/resources/R/files/a.txt",
    ]


@pytest.mark.rule("refresh-paths")
@pytest.mark.parametrize("kind", ["assessor", "reconstruction", "session"])
def test_derived_files_are_refreshed_by_themselves_and_with_their_session(
    api: Session, request: pytest.FixtureRequest, session: str, kind: str
) -> None:
    owner = request.getfixturevalue("assessor" if kind == "session" else kind)
    put(api, f"{owner}/out/resources/R/files/a.txt").raise_for_status()
    put(api, f"{owner}/out/resources/R/files/b.txt").raise_for_status()
    api.delete(f"{owner}/out/resources/R/files/b.txt", params={"removeFiles": "false"}).raise_for_status()
    uri = "/archive" + (session if kind == "session" else owner).removeprefix("/data")
    answer = api.post("/data/services/refresh/catalog", params={"resource": uri, "options": "append"})
    assert answer.status_code == 200
    assert sorted(listed(api, f"{owner}/files")) == ["a.txt", "b.txt"]
