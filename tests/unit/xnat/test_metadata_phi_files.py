"""Personal data where it hides: twice in one object, under tags of DICOM, in gzip's notes, in columns of tables."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import images
import nibabel
import numpy as np
import pytest
from ansible.module_utils.xnat.errors import InputError
from ansible.module_utils.xnat.study.metadata import phi, phi_json, phi_tables
from ansible.module_utils.xnat.study.study import Study


def cleaned(path: Path, tmp_path: Path) -> tuple[bytes, list[str]]:
    """What strip would send of the file, and which entries it found."""
    study, findings = phi.check(Study([images.planned(path)]), "strip", tmp_path / "scratch")
    return Path(study.files[0].local.path).read_bytes(), [finding.field for finding in findings]


# ---- JSON ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"PatientName": "Doe^John", "PatientName": "x"}', ["PatientName"]),
        ('{"PatientName": "x", "PatientName": "Doe^John"}', ["PatientName"]),
        ('{"PatientName": {"Alphabetic": "Doe^John"}}', ["PatientName"]),
        ('{"PatientName": [{"Ideographic": "x", "Alphabetic": "Doe^John"}]}', ["PatientName"]),
        ('{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^John"}]}}', ["00100010"]),
        ('{"a": {"(0010,0030)": "19600101"}}', ["a.(0010,0030)"]),
        ('{"00080020": {"vr": "DA", "Value": ["20200102"]}}', ["00080020"]),
        ('{"00080020": {"vr": "DA", "Value": ["19000102"]}}', []),  # shifted
        ('{"00100020": {"vr": "LO", "Value": ["S01"]}}', []),  # the label of the subject
        ('{"00100010": {"vr": "PN"}}', []),
        ('{"PatientName": {"Description": "removed", "Levels": {"Doe^John": "no"}}}', []),
        ('{"00180081": {"vr": "DS", "Value": [2.98]}}', []),
        ('\ufeff[{"b": {"PatientID": 4711}}]', ["0.b.PatientID"]),
    ],
)
def test_entries_are_found_in_every_form(text: str, found: list[str]) -> None:
    assert phi_json.personal(text, "S01") == found


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"PatientName": "A^B"}', "{}"),
        ('{"PatientName": "A^B", "EchoTime": 0.0030000000000000001}', '{"EchoTime": 0.0030000000000000001}'),
        ('{"x": NaN , "PatientName": "A^B" }', '{"x": NaN }'),
        ('{\n\t"u": "\\ud800 \\" }",\n\t"PatientName": "A\\"}^B",\n\t"y": [1e400, {}]\n}', None),
        ('{"PatientName": "A^B", "PatientName": "C^D"}', "{}"),
        ('{"a": 1, "PatientID": "2", "PatientName": "A^B", "b": 2, "DOB": "1"}', '{"a": 1, "b": 2}'),
        ('{"PatientName": {"Alphabetic": "A^B", "vr": [1, 2]}, "k": [[], {"DOB": 1, "c": {"d": 1}}]}', None),
        ('\ufeff{"PatientName":"A^B","c":"µ"}\r\n', '\ufeff{"c":"µ"}\r\n'),
    ],
)
def test_everything_but_the_entries_keeps_its_characters(text: str, left: str | None) -> None:
    found = set(phi_json.personal(text, ""))
    cut = phi_json.without(text, found)
    if left is not None:
        assert cut == left
    assert phi_json.personal(cut, "") == []
    kept = {key: value for key, value in json.loads(text.removeprefix("\ufeff")).items() if key not in found}
    assert str(kept).replace("'DOB': 1, ", "") == str(json.loads(cut.removeprefix("\ufeff")))


def test_a_file_nested_too_deeply_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text('{"a":' * 50_000 + "1" + "}" * 50_000)
    with pytest.raises(InputError, match=r"deep\.json is not a JSON file.*nested too deeply"):
        phi.check(Study([images.planned(path)]), "refuse", tmp_path)


def test_no_part_of_a_value_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"PatientName": "Q", "PatientBirthDate": "19601231"}')
    with pytest.raises(InputError) as caught:
        phi.check(Study([images.planned(path)]), "refuse", tmp_path)
    shown = str(caught.value).replace(str(path), "")
    assert "PatientBirthDate" in shown
    assert "Q" not in shown
    assert "19" not in shown


# ---- gzip ------------------------------------------------------------------------------------------------------------


def packed(path: Path, name: bytes = b"", comment: bytes = b"", extra: bytes = b"") -> Path:
    """An image in gzip with these notes."""
    image = nibabel.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)).to_bytes()
    body = gzip.compress(image, mtime=0)[10:]
    flags = (0x04 if extra else 0) | (0x08 if name else 0) | (0x10 if comment else 0)
    notes = (len(extra).to_bytes(2, "little") + extra) if extra else b""
    notes += b"".join(text + b"\0" for text in (name, comment) if text)
    path.write_bytes(b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff" + notes + body)
    return path


@pytest.mark.parametrize(
    ("notes", "found"),
    [
        ({"name": b"Doe^John.nii"}, ["name in gzip"]),
        ({"name": b"T1_19600101.nii", "extra": b"ab\2\0xy"}, ["name in gzip"]),
        ({"name": b"T1.nii", "comment": b"patient 4711"}, ["comment in gzip"]),
        ({"comment": b"born 1960"}, ["comment in gzip"]),
        ({"name": b"t1_mprage_sag.nii", "comment": b"dcm2niix v1.0.20211006"}, []),
        ({"name": b"sub-19600101_T1w.nii"}, []),  # what the file is called anyway
    ],
)
def test_notes_of_gzip_are_looked_at(notes: dict[str, bytes], found: list[str], tmp_path: Path) -> None:
    path = packed(tmp_path / "sub-19600101_T1w.nii.gz", **notes)
    sent, fields = cleaned(path, tmp_path)
    assert fields == found
    if found:
        for text in notes.values():
            assert text not in sent
    assert gzip.decompress(sent) == gzip.decompress(path.read_bytes())
    assert gzip.GzipFile(fileobj=io.BytesIO(sent)).read(4) == b"\x5c\x01\0\0"


# ---- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "table", "found", "left"),
    [
        (
            "participants.tsv",
            b"participant_id\tfirst_name\tdate_of_birth\tage\r\nsub-1\tAda\t1960-01-01\t34\r\nsub-2\tn/a\tn/a\t5\r\n",
            ["first_name", "date_of_birth"],
            b"participant_id\tfirst_name\tdate_of_birth\tage\r\nsub-1\tn/a\tn/a\t34\r\nsub-2\tn/a\tn/a\t5\r\n",
        ),
        (
            "visit.csv",
            b'\xef\xbb\xbf"Patient Name";note;NHS number\n"Doe; John";"a ""b""\nc";1\n;x;\n',
            ["Patient Name", "NHS number"],
            b'\xef\xbb\xbf"Patient Name";note;NHS number\n;"a ""b""\nc";\n;x;\n',
        ),
        ("events.tsv", b"onset\tduration\ttrial_type\tname\n1\t2\tface\tAda\n", [], None),
        ("scans.tsv", b"filename\tacq_time\nanat/x.nii.gz\t2020-01-01T10:00:00\n", [], None),
        ("empty.tsv", b"participant_id\tDOB\nsub-1\tn/a\n", [], None),
        ("old.csv", "DOB,Straße\n1960,x\n".encode("latin-1"), ["DOB"], "DOB,Straße\n,x\n".encode("latin-1")),
        ("u.csv", "DOB,a\n1960,x\n".encode("utf-16"), ["DOB"], "DOB,a\n,x\n".encode("utf-16")),
        ("short.csv", b"a,DOB\n1\n2,3,4\n\n", ["DOB"], b"a,DOB\n1\n2,,4\n\n"),
    ],
)
def test_columns_with_personal_names(
    name: str, table: bytes, found: list[str], left: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(table)
    sent, fields = cleaned(path, tmp_path)
    assert (fields, sent) == (found, left if left is not None else table)
    if found:
        assert phi_tables.personal(sent, name, "S01") == []
        with pytest.raises(InputError, match=f"{name}: {found[0]}"):
            phi.check(Study([images.planned(path)]), "refuse", tmp_path)


# ---- images in two files ---------------------------------------------------------------------------------------------


def header(kind: type, order: str = "<", **texts: bytes) -> bytes:
    """The header file of an image in two files."""
    made = kind(endianness=order)
    for name, text in texts.items():
        made[name] = text
    return bytes(made.binaryblock)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (header(nibabel.AnalyzeHeader, patient_id=b"4711", db_name=b"Doe Jane"), ["db_name", "patient_id"]),
        (header(nibabel.AnalyzeHeader, ">", exp_date=b"17-05-2019"), ["exp_date"]),
        (header(nibabel.AnalyzeHeader, patient_id=b"S01", exp_date=b"1900-01-01", descrip=b"SPM5"), []),
        (header(nibabel.AnalyzeHeader, patient_id=b"\1\2\3"), []),
        (
            header(nibabel.nifti1.Nifti1PairHeader, descrip=b"Doe^Jane", intent_name=b"19600101"),
            ["descrip", "intent_name"],
        ),
        (header(nibabel.nifti1.Nifti1PairHeader, descrip=b"FSL5.0"), []),
        (b"#!RADIANCE\npatient 4711\n" * 30, []),  # another kind of file
    ],
)
def test_headers_of_images_in_two_files(content: bytes, found: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.hdr"
    path.write_bytes(content)
    sent, fields = cleaned(path, tmp_path)
    assert sorted(fields) == found
    assert len(sent) == len(content)
    assert (sent == content) is not bool(found)
    if found:
        differs = [number for number, (old, new) in enumerate(zip(content, sent, strict=True)) if old != new]
        assert all(sent[number] == 0 for number in differs)
