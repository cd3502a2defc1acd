"""XNAT data types: which fields a type has, of which XSD type, and how they nest in item documents.

Only the types in use are described. A type that is not among a site's `Types` is, as on a real server, not installed.
Fields are inherited. Names are looked up without regard to case, as XNAT does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ListField:
    """A repeated element such as `fields/field`: each entry is found by `key` and holds `value`."""

    item_type: str
    key: str
    value: str


@dataclass(frozen=True)
class DataType:
    """One XNAT type. `fields` maps a path inside the type to its XSD type; `children` maps a path to a nested item."""

    name: str
    element: str
    extends: str | None = None
    abstract: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)
    attributes: frozenset[str] = frozenset()
    children: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, ListField] = field(default_factory=dict)


def _fields(**by_type: str) -> dict[str, str]:
    """`_fields(date="date", integer="frames ses")` -> {"date": "date", "frames": "integer", "ses": "integer"}."""
    return {name: xsd for xsd, names in by_type.items() for name in names.split()}


INVESTIGATOR = _fields(string="title firstname lastname institution department email phone")
VALIDATION = _fields(string="method status validated_by", date="date", text="notes")


def _nested(prefix: str, fields: Mapping[str, str]) -> dict[str, str]:
    return {f"{prefix}/{name}": xsd for name, xsd in fields.items()}


_CUSTOM = {
    kind: {"fields/field": ListField(f"xnat:{kind}_field", "name", "field")}
    for kind in ("projectData", "subjectData", "experimentData")
}

PROJECT, SUBJECT, EXPERIMENT = "xnat:projectData", "xnat:subjectData", "xnat:experimentData"
SUBJECT_ASSESSOR, IMAGE_SESSION, IMAGE_SCAN = (
    "xnat:subjectAssessorData",
    "xnat:imageSessionData",
    "xnat:imageScanData",
)
IMAGE_ASSESSOR, RECONSTRUCTED_IMAGE = "xnat:imageAssessorData", "xnat:reconstructedImageData"

_BASE_TYPES = [
    DataType(
        PROJECT,
        "xnat:Project",
        fields=_fields(string="ID secondary_ID name type keywords", text="description") | _nested("PI", INVESTIGATOR),
        attributes=frozenset({"ID", "secondary_ID"}),
        children={"PI": "xnat:investigatorData"},
        lists=_CUSTOM["projectData"] | {"aliases/alias": ListField("xnat:projectData_alias", "alias", "alias")},
    ),
    DataType(
        SUBJECT,
        "xnat:Subject",
        fields=_fields(string="ID project label group src")
        | _nested("investigator", INVESTIGATOR)
        | _nested(
            "demographics",
            _fields(
                date="dob",
                integer="yob age ses education",
                string="gender handedness educationDesc race ethnicity",
                float="weight height gestational_age post_menstrual_age birth_weight",
            ),
        ),
        attributes=frozenset({"ID", "project", "label", "group", "src"}),
        children={"demographics": "xnat:demographicData", "investigator": "xnat:investigatorData"},
        lists=_CUSTOM["subjectData"],
    ),
    DataType(
        EXPERIMENT,
        "xnat:Experiment",
        abstract=True,
        fields=_fields(
            string="ID project label visit_id visit protocol version original duration acquisition_site",
            text="note",
            date="date",
            time="time",
            integer="delay",
        )
        | _nested("investigator", INVESTIGATOR)
        | _nested("validation", VALIDATION),
        attributes=frozenset({"ID", "project", "label", "visit_id", "visit", "protocol", "version", "original"}),
        children={"investigator": "xnat:investigatorData", "validation": "xnat:validationData"},
        lists=_CUSTOM["experimentData"],
    ),
    DataType(
        SUBJECT_ASSESSOR,
        "xnat:SubjectAssessor",
        EXPERIMENT,
        abstract=True,
        fields=_fields(string="subject_ID", float="age"),
    ),
    DataType(
        IMAGE_SESSION,
        "xnat:ImageSession",
        SUBJECT_ASSESSOR,
        abstract=True,
        fields=_fields(
            string="session_type modality UID scanner scanner/manufacturer scanner/model operator"
            " dcmAccessionNumber dcmPatientId dcmPatientName",
            date="dcmPatientBirthDate",
            text="prearchivePath",
        ),
        attributes=frozenset({"session_type", "modality", "UID"}),
    ),
    DataType(
        IMAGE_ASSESSOR,
        "xnat:ImageAssessor",
        EXPERIMENT,
        abstract=True,
        fields=_fields(string="imageSession_ID"),
    ),
    DataType("xnat:mrAssessorData", "xnat:MRAssessor", IMAGE_ASSESSOR),
    DataType(
        "xnat:qcManualAssessorData",
        "xnat:QCManualAssessment",
        IMAGE_ASSESSOR,
        fields=_fields(string="rater stereotacticMarker incidentalFindings pass payable rescan", text="comments"),
    ),
    DataType(
        RECONSTRUCTED_IMAGE,
        "xnat:ReconstructedImage",
        fields=_fields(string="ID type baseScanType image_session_ID algorithm"),
        attributes=frozenset({"ID", "type", "baseScanType", "image_session_ID"}),
    ),
    DataType(
        IMAGE_SCAN,
        "xnat:ImageScan",
        abstract=True,
        fields=_fields(
            string="ID type UID image_session_ID project quality condition series_description documentation"
            " scanner scanner/manufacturer scanner/model modality operator",
            text="note",
            integer="frames",
            time="startTime",
        )
        | _nested("validation", VALIDATION),
        attributes=frozenset({"ID", "type", "UID", "image_session_ID", "project"}),
        children={"validation": "xnat:validationData"},
    ),
]

_MR_ROOM = _fields(string="coil fieldStrength marker stabilization")
_MR_PARAMETERS = _nested(
    "parameters",
    _fields(
        float="tr te ti flip voxelRes/x voxelRes/y voxelRes/z pixelBandwidth echoSpacing deltaTE",
        integer="fov/x fov/y matrix/x matrix/y partitions",
        string="orientation sequence origin imageType scanSequence seqVariant scanOptions acqType voxelRes/units"
        " readoutSampleSpacing phaseEncodingDirection",
    ),
)
_PET_PARAMETERS = _nested(
    "parameters",
    _fields(
        string="orientation originalFileName systemType fileType transaxialFOV acqType facility dataType",
        integer="numPlanes frames/numFrames numGates",
        float="planeSeparation binSize",
    ),
)

#: Extra fields of the modalities that have any; every other modality is its parent type under another name.
_SESSION_FIELDS: dict[str, dict[str, str]] = {
    "mr": _MR_ROOM,
    "pet": _fields(
        string="studyType patientID patientName stabilization tracer/name tracer/isotope tracer/intermediate",
        time="start_time_scan start_time_injection tracer/startTime",
        float="tracer/dose tracer/specificActivity tracer/totalMass",
        integer="tracer/transmissions",
    ),
}
_SCAN_FIELDS: dict[str, dict[str, str]] = {"mr": _MR_ROOM | _MR_PARAMETERS, "pet": _PET_PARAMETERS}
#: DICOM modality -> the word that XNAT uses for it in element names.
_MODALITIES = {
    "mr": "MR", "pet": "PET", "ct": "CT", "us": "US", "cr": "CR", "dx": "DX", "mg": "MG", "nm": "NM", "xa": "XA",
    "rf": "RF", "meg": "MEG", "eeg": "EEG", "ecg": "ECG", "opt": "OPT", "sc": "SC", "sr": "SR", "rt": "RT",
    "petmr": "PETMR", "otherDicom": "OtherDicom",
}  # fmt: skip


def _modalities() -> Iterator[DataType]:
    for code, word in _MODALITIES.items():
        yield DataType(
            f"xnat:{code}SessionData",
            f"xnat:{word}Session",
            IMAGE_SESSION,
            fields=_SESSION_FIELDS.get(code, {}),
        )
        yield DataType(
            f"xnat:{code}ScanData",
            f"xnat:{word}Scan",
            IMAGE_SCAN,
            fields=_SCAN_FIELDS.get(code, {}),
            lists={"parameters/addParam": ListField(f"xnat:{code}ScanData_parameters_addParam", "name", "addField")}
            if code == "mr"
            else {},
        )


class UnknownTypeError(LookupError):
    """The data type is not installed on this server."""


class Types:
    """The data types that one site has installed."""

    def __init__(self, types: Iterable[DataType] = (*_BASE_TYPES, *_modalities())) -> None:
        self._types: dict[str, DataType] = {}
        self._by_element: dict[str, DataType] = {}
        self._fields: dict[str, dict[str, tuple[str, str]]] = {}
        for data_type in types:
            self.install(data_type)

    def install(self, data_type: DataType) -> None:
        """Add a type; from now on objects of this type can be made."""
        self._types[data_type.name.lower()] = data_type
        self._by_element[data_type.element] = data_type
        self._fields.clear()

    def __iter__(self) -> Iterator[DataType]:
        return iter(self._types.values())

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._types

    def resolve(self, name: str) -> DataType:
        """The type called `name`, in any case. Raises UnknownTypeError."""
        try:
            return self._types[name.lower()]
        except KeyError:
            raise UnknownTypeError(name) from None

    def resolve_element(self, element: str) -> DataType:
        """The type of the XML root element `element`, such as `xnat:MRSession`. Raises UnknownTypeError."""
        try:
            return self._by_element[element]
        except KeyError:
            raise UnknownTypeError(element) from None

    def lineage(self, name: str) -> Iterator[DataType]:
        """The type and its ancestors, nearest first."""
        data_type: DataType | None = self.resolve(name)
        while data_type is not None:
            yield data_type
            data_type = self.resolve(data_type.extends) if data_type.extends else None

    def instance_of(self, name: str, ancestor: str) -> bool:
        """Whether `name` is `ancestor` or extends it. An unknown type is an instance of nothing."""
        try:
            return any(t.name.lower() == ancestor.lower() for t in self.lineage(name))
        except UnknownTypeError:
            return False

    def all_fields(self, name: str) -> dict[str, tuple[str, str]]:
        """Lower-case path -> (path as XNAT spells it, XSD type), with inherited fields."""
        if name not in self._fields:
            found: dict[str, tuple[str, str]] = {}
            for data_type in self.lineage(name):
                for path, xsd in data_type.fields.items():
                    found.setdefault(path.lower(), (path, xsd))
            self._fields[name] = found
        return self._fields[name]

    def all_lists(self, name: str) -> dict[str, ListField]:
        """Path -> repeated element, with inherited ones."""
        lineage = reversed(list(self.lineage(name)))
        return {path: entry for data_type in lineage for path, entry in data_type.lists.items()}

    def all_children(self, name: str) -> dict[str, str]:
        """Path -> xsi:type of the nested item, with inherited ones."""
        lineage = reversed(list(self.lineage(name)))
        return {path: child for data_type in lineage for path, child in data_type.children.items()}

    def all_attributes(self, name: str) -> frozenset[str]:
        """Fields that XML documents carry as attributes of the root."""
        return frozenset().union(*(data_type.attributes for data_type in self.lineage(name)))
