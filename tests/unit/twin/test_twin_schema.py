"""XSD files as data types: what is read from them, and what of a path is understood."""

from __future__ import annotations

from pathlib import Path

import pytest
from xnat_twin.datatypes import schema
from xnat_twin.datatypes.definitions import SchemaError
from xnat_twin.datatypes.modules import MODULES, SCHEMAS, installed_types
from xnat_twin.datatypes.schema import Types, UnknownTypeError
from xnat_twin.datatypes.xsd import load, read

TYPES = installed_types(MODULES)
_HEAD = (
    '<xs:schema targetNamespace="urn:lab" xmlns:lab="urn:lab" xmlns:xnat="http://nrg.wustl.edu/xnat" '
    'xmlns:xs="http://www.w3.org/2001/XMLSchema">'
)
_LAB = f"""{_HEAD}
  <xs:element name="Blood" type="lab:bloodData"/>
  <xs:complexType name="bloodData">
    <xs:complexContent><xs:extension base="xnat:subjectAssessorData">
      <xs:sequence>
        <xs:element name="fasting" type="xs:boolean"/>
        <xs:element name="tube" minOccurs="0" maxOccurs="unbounded">
          <xs:complexType><xs:sequence><xs:element name="ml" type="xs:float"/></xs:sequence></xs:complexType>
        </xs:element>
      </xs:sequence>
      <xs:attribute name="lot" type="xs:string" use="required"/>
    </xs:extension></xs:complexContent>
  </xs:complexType>
</xs:schema>"""


def test_types_are_found_in_any_case_by_root_element_and_by_ancestor() -> None:
    assert TYPES.resolve("xnat:mrsessiondata").name == "xnat:mrSessionData"
    assert TYPES.resolve_element("xnat:MRSession").name == "xnat:mrSessionData"
    assert TYPES.resolve_element("xnat:mrAssessorData").name == "xnat:mrAssessorData"
    assert TYPES.instance_of("xnat:mrSessionData", "xnat:subjectAssessorData")
    assert not TYPES.instance_of("xnat:mrScanData", "xnat:experimentData")
    assert not TYPES.instance_of("no:such", "xnat:experimentData")


def test_module_brings_its_types() -> None:
    with pytest.raises(UnknownTypeError):
        installed_types().resolve("dpuk:dpukAssessmentData")
    found = installed_types(["dpuk-datatypes"]).resolve_element("dpuk:DPUKAssessment")
    assert (found.name, found.extends, found.prefix) == (
        "dpuk:dpukAssessmentData",
        "xnat:subjectAssessorData",
        "dpuk",
    )


@pytest.mark.parametrize("code", ["mr", "pet", "ct", "us", "mg", "xa", "eeg", "otherDicom"])
def test_every_modality_has_sessions_and_scans(code: str) -> None:
    assert TYPES.instance_of(f"xnat:{code}SessionData", schema.IMAGE_SESSION)
    assert TYPES.instance_of(f"xnat:{code}ScanData", schema.IMAGE_SCAN)


@pytest.mark.parametrize("name", [one.name for one in TYPES])
def test_every_type_and_all_that_it_holds_is_installed(name: str) -> None:
    assert list(TYPES.lineage(name))
    for element in TYPES.elements(name):
        assert not element.item or element.item in TYPES, element
        assert element.kind or element.item or element.elements, element


@pytest.mark.parametrize(
    ("name", "path", "stored"),
    [
        ("xnat:subjectData", "demographics/YOB", "demographics/yob"),
        ("xnat:subjectData", "demographics[@xsi:type=xnat:demographicData]/gender", "demographics/gender"),
        ("xnat:subjectData", "fields/field[name=My Field]/field", "fields/field[name=My Field]/field"),
        ("xnat:subjectData", "fields/field[name='q']", "fields/field[name=q]/field"),
        ("xnat:mrSessionData", "Scanner/Model", "scanner/model"),
        ("xnat:mrScanData", "parameters/voxelRes/x", "parameters/voxelRes/x"),
        ("xnat:mrScanData", "parameters/addparam[name=N]/addfield", "parameters/addParam[name=N]/addField"),
        ("xnat:petScanData", "parameters/frames/frame[number=2]/length", "parameters/frames/frame[number=2]/length"),
        ("xnat:projectData", "aliases/alias", "aliases/alias[0]/alias"),
        ("xnat:projectData", "aliases/alias[01]/alias", "aliases/alias[1]/alias"),
        ("xnat:reconstructedImageData", "computations/datum[name=v]/value", "computations/datum[?name=v]/value"),
        ("xnat:subjectData", "no/such", None),
        ("xnat:subjectData", "demographics", None),
        ("xnat:subjectData", "a]b", None),
        ("xnat:subjectData", "", None),
        ("xnat:mrSessionData", "scans/scan/note", None),  # an object of its own
        ("xnat:mrSessionData", "resources/resource/label", None),
    ],
)
def test_path_leads_to_one_place_or_nowhere(name: str, path: str, stored: str | None) -> None:
    place = TYPES.locate(name, path)
    assert (place.path if place else None) == stored


def test_path_may_say_which_type_a_nested_item_has() -> None:
    place = TYPES.locate("xnat:qcManualAssessorData", "scans/scan[@xsi:type=xnat:mrQcScanData][imageScan_ID=4]/wrap")
    assert place is not None
    assert place.path == "scans/scan[imageScan_ID=4]/wrap"
    assert place.types == (("scans/scan[imageScan_ID=4]/xsi:type", "xnat:mrQcScanData"),)


def test_fields_are_listed_with_their_kinds() -> None:
    fields = TYPES.all_fields("dpuk:dpukAssessmentData")
    assert fields["diagnosis_ad"] == ("DIAGNOSIS_AD", "boolean")
    assert fields["cdr"] == ("CDR", "float")
    assert fields["subject_id"] == ("subject_ID", "string")
    assert fields["validation/date"] == ("validation/date", "date")
    assert "sharing/share/label" not in fields
    assert list(TYPES.all_lists("dpuk:dpukAssessmentData")) == ["fields/field"]


def test_documentation_of_a_field_is_kept() -> None:
    texts = {element.name: element.documentation for element in TYPES.elements("dpuk:dpukAssessmentData")}
    assert texts["DIAGNOSIS_LBD"] == "Lewy body dementia"
    assert texts["MMSE"] == "Mini Mental State Examination"


def test_schema_that_nobody_has_heard_of_is_installed() -> None:
    types = installed_types()
    types.install(read(_LAB, "lab"))
    assert types.instance_of("lab:bloodData", schema.SUBJECT_ASSESSOR)
    assert types.all_fields("lab:bloodData")["lot"] == ("lot", "string")
    place = types.locate("lab:bloodData", "tube[1]/ml")
    assert place is not None
    assert (place.path, place.element.kind) == ("tube[1]/ml", "float")
    assert types.schemas["lab"].file == "lab/lab.xsd"


@pytest.mark.parametrize(
    "text", ["<xs:schema", "<schema/>", f"{_HEAD}</xs:schema>".replace(' xmlns:lab="urn:lab"', "")]
)
def test_file_that_is_no_schema_is_refused(text: str) -> None:
    with pytest.raises(SchemaError, match=r"^lab: "):
        read(text, "lab")


def test_type_that_extends_a_type_that_is_not_there_is_refused() -> None:
    with pytest.raises(SchemaError, match="xnat:subjectAssessorData"):
        Types([read(_LAB, "lab")])


def test_schema_of_several_files_is_one(tmp_path: Path) -> None:
    served = load(SCHEMAS / "xnat" / "xnat.xsd")
    assert "xs:include" not in served.text
    assert served.text.count('<xs:complexType name="mrScanData">') == 1
    assert served.text.count("<xs:schema") == served.text.count("</xs:schema>") == 1
    assert [one.name for one in read(served.text, "xnat").types] == [one.name for one in served.types]
    assert load(SCHEMAS / "birn" / "birnprov.xsd").name == "birn/birnprov"
