"""The short names of fields in queries, as data: for each kind of list, name -> XPath, spelled as XNAT spells it.

`columns=`, filters and `?fields` of lists know all of them; what only reads (`READ_ONLY`) is no parameter of a PUT.
Nothing is looked up here. Reference: XMLPathShortcuts
"""

from __future__ import annotations

from types import MappingProxyType

#: Kinds of lists, each by a data type (assessors are `xnat:derivedData` in XNAT).
PROJECTS, SUBJECTS, EXPERIMENTS = "xnat:projectData", "xnat:subjectData", "xnat:experimentData"
SCANS, RECONSTRUCTIONS, ASSESSORS = "xnat:imageScanData", "xnat:reconstructedImageData", "xnat:imageAssessorData"


def _same(data_type: str, names: str) -> dict[str, str]:
    """Names that are also the last step of their path; a `name=path` has another."""
    pairs = (name.partition("=") for name in names.split())
    return {name: f"{data_type}/{path or name}" for name, _, path in pairs}


def _meta(data_type: str) -> dict[str, str]:
    return _same(
        data_type, "insert_date=meta/insert_date insert_user=meta/insert_user/login last_modified=meta/last_modified"
    )


_VALIDATION = (
    "validation_method=validation/method validation_status=validation/status"
    " validation_date=validation/date validation_notes=validation/notes"
)
_INVESTIGATOR = "pi_firstname=investigator/firstname pi_lastname=investigator/lastname"
_DEMOGRAPHICS = "xnat:subjectData/demographics[@xsi:type=xnat:demographicData]"
_SESSION_OF_ASSESSOR = _same("xnat:imagesessiondata", "session_ID=id session_label=label session_project=project")
_TYPE_OF_EXPERIMENT = {"xsiType": "xnat:experimentData/extension_item/element_name"}

#: Parameters of PUT as well. One whose XPath is of a type that the object has not is ignored.
WRITABLE = {
    PROJECTS: _same(
        PROJECTS,
        "ID secondary_ID name description keywords alias=aliases/alias/alias pi_firstname=PI/firstname"
        " pi_lastname=PI/lastname note=fields/field[name=note]/field",
    ),
    SUBJECTS: _same(SUBJECTS, f"project label ID group src {_INVESTIGATOR}")
    | _same(
        _DEMOGRAPHICS,
        "dob yob age gender handedness ses education educationDesc race ethnicity weight height gestational_age"
        " post_menstrual_age birth_weight",
    ),
    EXPERIMENTS: _same(
        "xnat:experimentdata",
        f"ID=id visit_id visit protocol date time note {_INVESTIGATOR} {_VALIDATION} project label",
    )
    | _same(
        "xnat:imagesessiondata",
        "scanner operator dcmAccessionNumber=dcmaccessionnumber dcmPatientId=dcmpatientid"
        " dcmPatientName=dcmpatientname session_type modality UID=uid studyInstanceUID=uid",
    )
    | _same("xnat:mrsessiondata", "coil fieldStrength=fieldstrength marker stabilization")
    | _same(  # takes `stabilization` away from MR sessions
        "xnat:petsessiondata",
        "studyType=studytype patientID=patientid patientName=patientname stabilization scan_start_time=start_time_scan"
        " injection_start_time=start_time_injection tracer_name=tracer/name tracer_startTime=tracer/starttime"
        " tracer_dose=tracer/dose tracer_sa=tracer/specificactivity tracer_totalmass=tracer/totalmass"
        " tracer_intermediate=tracer/intermediate tracer_isotope=tracer/isotope/half-life"
        " tracer_transmissions=tracer/transmissions tracer_transmissions_start=tracer/transmissions_starttime",
    )
    | {"subject_ID": "xnat:subjectassessordata/subject_id"},
    ASSESSORS: _same("xnat:experimentdata", f"ID visit_id date time note {_INVESTIGATOR} {_VALIDATION} project label"),
    SCANS: _same(
        SCANS,
        "ID type UID note quality condition series_description documentation scanner modality frames"
        f" {_VALIDATION} scanTime=startTime",
    )
    | _same("xnat:mrScanData", "coil fieldStrength marker stabilization")
    | _same(
        "xnat:petScanData/parameters",
        "orientation originalFileName systemType fileType transaxialFOV acqType facility numPlanes"
        " numFrames=frames/numFrames numGates planeSeparation binSize dataType",
    ),
    RECONSTRUCTIONS: _same(RECONSTRUCTIONS, "ID type baseScanType"),
}

#: Columns that the server fills in.
READ_ONLY = MappingProxyType(
    {
        PROJECTS: {},
        SUBJECTS: _meta(SUBJECTS),
        EXPERIMENTS: _same("xnat:subjectdata", "subject_label=label subject_project=project")
        | _SESSION_OF_ASSESSOR
        | _meta(EXPERIMENTS)
        | _TYPE_OF_EXPERIMENT,
        ASSESSORS: _SESSION_OF_ASSESSOR | _meta(EXPERIMENTS) | _TYPE_OF_EXPERIMENT,
        SCANS: _same(SCANS, "xnat_imagescandata_id xsiType=extension_item/element_name") | _meta(SCANS),
        RECONSTRUCTIONS: _same(RECONSTRUCTIONS, "xnat_reconstructedimagedata_id xsiType=extension_item/element_name"),
    }
)

#: All that lists of a kind know.
SHORTCUTS = MappingProxyType({kind: writable | READ_ONLY[kind] for kind, writable in WRITABLE.items()})
