"""curl against XNAT: DPUK's recipe for the upload of NIFTI images, and the other calls that data managers type.

Not the rules of each call, which the tests of the twin have: here, that the tool and the server understand each other.
"""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["client_fixtures"]

Shell = Callable[..., str]
Rows = Callable[..., list[dict[str, str]]]
Stored = Callable[[str], dict[str, bytes]]

#: The recipe's requests, options and conditions. `-silent` is what people type: to curl it is -s -i -l -e nt.
RECIPE = r"""
scan_url=$url/data/archive/projects/$project/subjects/$subject/experiments/$experiment/scans/$scan
scan_exists=$(curl -silent -I -u "$user:$password" "$scan_url")
if [[ $scan_exists == HTTP/*\ 200* ]]; then
    echo "scan found: $scan"
else
    curl -silent -X PUT -u "$user:$password" "$scan_url?xsiType=xnat:mrScanData" >/dev/null
    echo "MR scan created: $scan"
fi

resources=$(curl -s -u "$user:$password" "$scan_url/resources?format=csv")
if [[ $(echo "$resources" | grep NIFTI | wc -l) == 0 ]]; then
    curl -s -X PUT -u "$user:$password" "$scan_url/resources/NIFTI"
    echo "NIFTI resource folder created"
fi

filename=$(basename "$filepath")
nifti_exists=$(curl -silent -I -u "$user:$password" "$scan_url/resources/NIFTI/files/$filename")
if [[ $nifti_exists == HTTP/*\ 200* ]]; then
    echo "Nifti file already exists: IGNORED"
else
    curl -s -u "$user:$password" -X PUT --data-binary "@$filepath" \
        "$scan_url/resources/NIFTI/files/$filename?format=NIFTI&inbody=true"
    echo "Nifti file uploaded: $filename"
fi
"""


@pytest.fixture
def recipe(shell: Shell, project: str, session: str) -> Callable[[Path], list[str]]:
    """Run the recipe for a file into scan 1 of the session; the lines that it prints."""

    def run(file: Path) -> list[str]:
        names = {"project": project, "subject": "S1", "experiment": "S1_MRI", "scan": "1"}
        return shell(RECIPE, filepath=file, **names).splitlines()

    return run


@pytest.mark.rule("curl-recipe")
def test_recipe_makes_scan_and_resource_and_sends_the_file(
    recipe: Callable[[Path], list[str]], session: str, nifti: Path, rows: Rows, stored: Stored
) -> None:
    assert recipe(nifti) == [
        "MR scan created: 1",
        "NIFTI resource folder created",
        "Nifti file uploaded: T1.nii.gz",
    ]
    assert [row["xsiType"] for row in rows(f"{session}/scans")] == ["xnat:mrScanData"]
    assert stored(f"{session}/scans/1/resources/NIFTI") == {"T1.nii.gz": nifti.read_bytes()}
    [file] = rows(f"{session}/scans/1/resources/NIFTI/files")
    assert file["file_format"] == "NIFTI"
    assert file["digest"] in {"", hashlib.md5(nifti.read_bytes()).hexdigest()}  # noqa: S324


@pytest.mark.rule("curl-recipe")
def test_recipe_a_second_time_sends_nothing_even_if_the_file_has_changed(
    recipe: Callable[[Path], list[str]], session: str, nifti: Path, stored: Stored
) -> None:
    recipe(nifti)
    sent = nifti.read_bytes()
    nifti.write_bytes(b"a better image")
    assert recipe(nifti) == ["scan found: 1", "Nifti file already exists: IGNORED"]
    assert stored(f"{session}/scans/1/resources/NIFTI") == {"T1.nii.gz": sent}


@pytest.mark.rule("file-exists")
def test_put_without_the_recipes_question_drops_the_bytes_and_curl_sees_success(
    recipe: Callable[[Path], list[str]], shell: Shell, session: str, nifti: Path, stored: Stored
) -> None:
    recipe(nifti)
    sent = nifti.read_bytes()
    put = 'curl --fail -s -u "$user:$password" -X PUT --data-binary "better" "$url$file?format=NIFTI&inbody=true$more"'
    file = f"{session}/scans/1/resources/NIFTI/files/T1.nii.gz"
    assert shell(put, file=file, more="") == '{"duplicates":["T1.nii.gz"]}'
    assert stored(f"{session}/scans/1/resources/NIFTI") == {"T1.nii.gz": sent}
    assert shell(put, file=file, more="&overwrite=true") == ""
    assert stored(f"{session}/scans/1/resources/NIFTI") == {"T1.nii.gz": b"better"}


def test_recipe_into_a_session_that_is_missing_stores_nothing(
    shell: Shell, project: str, session: str, nifti: Path, api: Session
) -> None:
    names = {"project": project, "subject": "S1", "experiment": "S9_MRI", "scan": "1"}
    said = shell(RECIPE, filepath=nifti, **names)
    assert "Nifti file uploaded: T1.nii.gz" in said
    assert api.get(f"/data/projects/{project}/subjects/S1/experiments/S9_MRI").status_code == 404


OBJECTS = r"""
curl="curl --fail -s -u $user:$password"
$curl -X PUT "$url/data/projects/$project?description=Made%20with%20curl&accessibility=private"
$curl -X PUT "$url/data/projects/$project/subjects/S1?gender=female&yob=1950"; echo
$curl -X PUT "$url/data/projects/$project/subjects/S1?xnat:subjectData/fields/field%5Bname%3Dcohort%5D/field=A"; echo
$curl -X PUT "$url/data/projects/$project/subjects/S1/experiments/E1?xsiType=xnat:petSessionData&date=2024-02-29"; echo
"""


def test_objects_are_made_and_their_ids_printed(shell: Shell, xnat: XnatServer, api: Session, rows: Rows) -> None:
    project = xnat.new_id()
    try:
        subject, same, experiment = shell(OBJECTS, project=project).split()
        assert subject == same
        [row] = rows("/data/projects", columns="ID,description", ID=project)
        assert row["description"] == "Made with curl"
        [row] = rows(f"/data/projects/{project}/subjects", columns="ID,label,gender,yob")
        assert (row["ID"], row["label"], row["gender"], row["yob"]) == (subject, "S1", "female", "1950")
        assert "cohort" in api.get(f"/data/projects/{project}/subjects/S1", params={"format": "json"}).text
        [row] = rows(f"/data/projects/{project}/experiments", columns="ID,date,xsiType")
        assert (row["ID"], row["date"], row["xsiType"]) == (experiment, "2024-02-29", "xnat:petSessionData")
    finally:
        api.delete(f"/data/projects/{project}", params={"removeFiles": "true"})


def test_cookie_of_jsession_serves_in_place_of_the_password(shell: Shell, session: str) -> None:
    said = shell(
        r"""
        curl --fail -s -u "$user:$password" -c jar "$url/data/JSESSION"; echo
        curl --fail -s -b jar "$url/data/auth"; echo
        curl --fail -s -b jar -o /dev/null -w '%{http_code}\n' "$url$session"
        curl --fail -s -b jar -X DELETE "$url/data/JSESSION"
        curl -s -b jar -o /dev/null -w '%{http_code}\n' "$url$session"
        """,
        session=session,
    ).split("\n")
    assert len(said[0]) == 32
    assert said[1].endswith("is logged in")
    assert said[2:4] == ["200", "401"]


@pytest.mark.rule("anonymous-browser", "anonymous-program")
def test_user_agent_of_a_browser_gets_the_login_page_and_200(shell: Shell, session: str) -> None:
    ask = r"""curl -s -L -o answer -w '%{http_code} %{url_effective}' $agent "$url$session" """
    assert shell(ask, session=session, agent="").startswith("401 ")
    status, address = shell(ask, session=session, agent="-A Mozilla/5.0").split()
    assert status == "200"
    assert "Login.vm" in address


@pytest.mark.rule("form-is-no-file")
def test_forms_of_upload(shell: Shell, scan: str, nifti: Path, tmp_path: Path, stored: Stored) -> None:
    (tmp_path / "empty").touch()
    said = shell(
        r"""
        curl="curl -s -u $user:$password -o /dev/null -w %{http_code}\n"
        files=$url$scan/resources/R/files
        $curl -T T1.nii.gz "$files/streamed.nii.gz?inbody=true"
        $curl -X PUT -F "file=@T1.nii.gz" "$files/form.nii.gz"
        $curl -X PUT -F "file=@empty" "$files/empty.txt"
        $curl -X PUT --data-binary @empty "$files/empty2.txt?inbody=true"
        $curl -X PUT --data-binary @T1.nii.gz "$files/without-inbody.nii.gz"
        """,
        scan=scan,
    ).split()
    assert said == ["200", "200", "200", "500", "500"]
    data = nifti.read_bytes()
    assert stored(f"{scan}/resources/R") == {"streamed.nii.gz": data, "form.nii.gz": data, "empty.txt": b""}


def test_download_whole_in_part_and_resumed(shell: Shell, scan: str, nifti: Path, tmp_path: Path) -> None:
    said = shell(
        r"""
        file=$url$scan/resources/R/files/T1.nii.gz
        curl="curl --fail -s -u $user:$password"
        $curl -T T1.nii.gz "$file?inbody=true"
        mkdir got; cd got
        $curl -O -J "$file"
        $curl -r 0-9 -o part "$file"
        head -c 1000 T1.nii.gz >resumed; $curl -C - -o resumed "$file"
        $curl -I "$file" | tr -d '\r' | grep -i '^content-length'
        """,
        scan=scan,
    )
    data = nifti.read_bytes()
    got = {path.name: path.read_bytes() for path in (tmp_path / "got").iterdir()}
    assert got == {"T1.nii.gz": data, "part": data[:10], "resumed": data}
    assert int(said.partition(":")[2]) == len(data)


def test_zip_up_and_down(shell: Shell, session: str, scan: str, nifti: Path, tmp_path: Path, stored: Stored) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        archive.writestr("a.txt", "a")
        archive.writestr("sub/b.txt", "b")
    shell(
        r"""
        curl="curl --fail -s -u $user:$password"
        $curl -T many.zip "$url$scan/resources/R/files/many.zip?inbody=true&extract=true"
        $curl -o all.zip "$url$session/scans/ALL/files?format=zip"
        """,
        scan=scan,
        session=session,
    )
    assert stored(f"{scan}/resources/R") == {"a.txt": b"a", "sub/b.txt": b"b"}
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    top = "S1_MRI/scans/1-T1/resources/R/files"
    assert content == {f"{top}/a.txt": b"a", f"{top}/sub/b.txt": b"b"}


def test_lists_come_as_csv_and_deleted_objects_are_gone(shell: Shell, session: str, scan: str, api: Session) -> None:
    said = shell(
        r"""
        curl="curl --fail -s -u $user:$password"
        $curl "$url$session/scans?format=csv&columns=ID,type"
        $curl -X DELETE "$url$scan?removeFiles=true"
        $curl "$url$session/scans?format=csv&columns=ID,type"
        """,
        session=session,
        scan=scan,
    )
    header, row, after = said.splitlines()
    [found] = csv.DictReader([header, row])
    assert (found["ID"], found["type"]) == ("1", "T1")
    assert after == header
    assert api.get(scan).status_code == 404


SEARCH = """<xdat:bundle xmlns:xdat="http://nrg.wustl.edu/security">
  <xdat:root_element_name>xnat:subjectData</xdat:root_element_name>
  <xdat:search_field><xdat:element_name>xnat:subjectData</xdat:element_name><xdat:field_ID>SUBJECT_LABEL</xdat:field_ID>
    <xdat:sequence>0</xdat:sequence><xdat:type>string</xdat:type><xdat:header>Label</xdat:header></xdat:search_field>
  <xdat:search_where method="AND"><xdat:criteria override_value_formatting="0">
    <xdat:schema_field>xnat:subjectData/PROJECT</xdat:schema_field><xdat:comparison_type>=</xdat:comparison_type>
    <xdat:value>{}</xdat:value></xdat:criteria></xdat:search_where>
</xdat:bundle>"""


@pytest.mark.rule("curl-search")
def test_search_document_is_read_though_curl_calls_it_a_form(
    shell: Shell, project: str, session: str, tmp_path: Path
) -> None:
    (tmp_path / "search.xml").write_text(SEARCH.format(project))
    said = shell(
        r"""
        curl="curl --fail -s -u $user:$password"
        $curl --data-binary @search.xml "$url/data/search?format=csv"
        $curl -H "Content-Type: text/xml" --data-binary @search.xml "$url/data/search?format=csv"
        """
    )
    header, row, *again = said.splitlines()
    [found] = csv.DictReader([header, row])
    assert found["subject_label"] == "S1"
    assert again == [header, row]


def test_subject_is_shared_and_unshared(shell: Shell, xnat: XnatServer, project: str, session: str, rows: Rows) -> None:
    other = xnat.new_project()
    share = 'curl --fail -s -o /dev/null -u "$user:$password" -X $method "$url$path/projects/$other?label=guest"'
    path = f"/data/projects/{project}/subjects/S1"
    for method, labels in (("PUT", ["guest"]), ("DELETE", [])):
        shell(share, method=method, path=path, other=other)
        assert [row["label"] for row in rows(f"/data/projects/{other}/subjects")] == labels
