"""The fields of searches, as data: for each data type what XNAT's display documents define, in their order.

`{type}` stands for the type's name, `{TABLE}` for its table's in upper case, `{CODE}` for its modality. displays.py has
the fields of a type; values are for display_values.py and display_tables.py. Reference: the documents `*_display.xml`
of xnat-data-models, as DisplayManager reads them
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DisplayField:
    """One field: its value is at `paths`, or is `made` of those by the function of display_values.py with this name.

    One that is `looked_up` is made by a function of display_tables.py. One that is not searchable can be a column all
    the same, but is not listed. `links` are fields that come along as columns, since the page links to them. One that
    `asks` needs a value, as `ID=value` or beside the ID.
    """

    id: str
    header: str
    type: str = ""
    paths: tuple[str, ...] = ()
    made: str = ""
    searchable: bool = False
    visible: bool = True
    description: str = ""
    links: tuple[str, ...] = ()
    looked_up: bool = False
    asks: bool = False
    image: bool = False
    descending: bool = False


def _field(identifier: str, header: str, path: str = "", kind: str = "", **more: object) -> DisplayField:
    """A field at one path."""
    return DisplayField(identifier, header, kind, (path,) if path else (), **more)  # type: ignore[arg-type]


def _found(identifier: str, header: str, path: str, kind: str = "", **more: object) -> DisplayField:
    """A searchable field at one path."""
    return _field(identifier, header, path, kind, searchable=True, **more)


def _looked_up(identifier: str, header: str, kind: str = "string", **more: object) -> DisplayField:
    """A searchable field that is made of other tables, by the function of its own name."""
    return DisplayField(identifier, header, kind, made=identifier.lower(), looked_up=True, searchable=True, **more)  # type: ignore[arg-type]


def _asking(identifier: str, header: str, made: str, kind: str = "string", *, searchable: bool = False) -> DisplayField:
    """A field that needs a value. Reference: SQLQueryField"""
    return DisplayField(identifier, header, kind, made=made, looked_up=True, asks=True, searchable=searchable)


_INSERTED = (
    _found("INSERT_DATE", "Inserted", "{type}/meta/insert_date", "date"),
    _found("INSERT_USER", "Creator", "{type}/meta/insert_user/login", "string"),
)

PROJECT = (
    *_INSERTED,
    _found("ID", "ID", "{type}/ID", links=("ID",)),
    _field("URI", "uri", "{type}/ID", "string", made="project_uri"),
    _found("NAME", "Title", "{type}/name", links=("ID",)),
    _found("NAME_CSV", "Title", "{type}/name", links=("ID",)),
    _found("DESCRIPTION", "Description", "{type}/description", made="first_161"),
    _found("DESCRIPTION_CSV", "Description", "{type}/description"),
    _found("SECONDARY_ID", "Running Title", "{type}/secondary_ID"),
    _found("KEYWORDS", "Keywords", "{type}/keywords"),
    DisplayField("PI", "PI", "string", ("{type}/PI/firstname", "{type}/PI/lastname"), "with_blank", searchable=True),
    _looked_up("PROJECT_INVS", "Investigators"),
    _looked_up("PROJECT_ACCESS", "Accessibility"),
    _looked_up("PROJECT_USERS", "Users"),
    _looked_up("PROJECT_OWNERS", "Owners"),
    _looked_up("PROJECT_MEMBERS", "Members"),
    _looked_up("PROJECT_COLLABS", "Collaborators"),
    _looked_up("PROJECT_LAST_WORKFLOW", "Last Workflow"),
    _looked_up("PROJECT_LAST_ACCESS", "Last Access"),
    _looked_up("PROJECT_FAV", "Favorites"),
    DisplayField("PROJECT_ACCESS_IMG", "Access", made="project_access_img", looked_up=True, image=True),
    _asking("USER_ROLE", "Role", "user_role"),
    _asking("LAST_ACCESSED", "Last Accessed", "last_accessed"),
    *(_looked_up(f"PROJ_{modality}_COUNT", f"{modality} Count", "integer") for modality in ("MR", "CT", "PET", "UT")),
    DisplayField("PROJ_QUARANTINE", "Quarantine Code", "integer", made="proj_quarantine", looked_up=True),
    DisplayField("PROJ_PREARCHIVE_CODE", "Prearchive Code", "integer", made="proj_prearchive_code", looked_up=True),
)

_DEMOGRAPHICS = "xnat:subjectData/demographics"
_TO_SUBJECT = ("SUBJECTID", "INSERT_DATE", "INSERT_USER", "PROJECTS", "PROJECT")

SUBJECT = (
    _field("SUBJECT_ID", "Subject", "{type}/ID", "string", links=("SUBJECT_ID",)),
    _field("SUBJECTID", "Subject", "{type}/ID", links=("SUBJECT_ID",)),
    _field("URI", "uri", "{type}/ID", "string", made="subject_uri"),
    *_INSERTED,
    _field("GENDER", "Gender", f"{_DEMOGRAPHICS}/gender"),
    _found("GENDER_TEXT", "M/F", f"{_DEMOGRAPHICS}/gender", made="gender_text"),
    _field("HANDEDNESS", "Hand", f"{_DEMOGRAPHICS}/handedness"),
    _found("HANDEDNESS_TEXT", "Hand", f"{_DEMOGRAPHICS}/handedness", made="handedness_text"),
    DisplayField(
        "DOB", "YOB", "integer", (f"{_DEMOGRAPHICS}/yob", f"{_DEMOGRAPHICS}/dob"), "year_of_birth", searchable=True
    ),
    _found("AGE", "Age", f"{_DEMOGRAPHICS}/age", "integer"),
    _found("AGE_BRACKET", "Age bracket", f"{_DEMOGRAPHICS}/age", "string", made="age_bracket"),
    _found("EDUC", "Education", f"{_DEMOGRAPHICS}/education"),
    _found("SES", "Ses", f"{_DEMOGRAPHICS}/ses"),
    DisplayField("MR_COUNT", "MR Count", "integer", made="mr_count", looked_up=True),
    _found("INVEST_CSV", "PI", "{type}/investigator/lastname"),
    _looked_up("PROJECTS", "Projects", description="All projects tied to a subject"),
    _found("PROJECT", "Project", "{type}/project", "string", description="Subject's primary project"),
    _found("SUB_GROUP", "Group", "{type}/group", "string"),
    DisplayField("SUBJECT_LABEL", "Subject", "string", ("{type}/label", "{type}/ID"), "first_given", links=_TO_SUBJECT),
    _asking("SUB_PROJECT_IDENTIFIER", "Subject", "label_in_project"),
    _asking("SUB_EXPT_COUNT", "Count", "count_of_type", "integer"),
    _asking("XNAT_SUBJECTDATA_FIELD_MAP", "Field", "custom_variable"),
    _looked_up("ADD_IDS", "Labels", links=("SUBJECTID",)),
    _found("RACE", "Race", f"{_DEMOGRAPHICS}/race", "string"),
    _found("ETHNICITY", "Ethnicity", f"{_DEMOGRAPHICS}/ethnicity", "string"),
    # Not in the documents: XNAT makes it for itself at its first start.
    _found("XNAT_COL_SUBJECTDATALABEL", "label", "{type}/label", "string"),
)

_AGE = DisplayField(
    "AGE",
    "Age",
    "float",
    ("{type}/age", f"{_DEMOGRAPHICS}/age", "{type}/date", f"{_DEMOGRAPHICS}/dob", f"{_DEMOGRAPHICS}/yob"),
    "age",
    searchable=True,
)
_TO_EXPERIMENT = ("INSERT_DATE", "INSERT_USER", "PROJECTS", "PROJECT")


def _labelled(key: str) -> DisplayField:
    return DisplayField(
        "LABEL", "Label", "string", ("{type}/label", "{type}/ID"), "first_given", links=(key, *_TO_EXPERIMENT)
    )


_SUBJECT_ID = _found("SUBJECT_ID", "Subject", "{type}/subject_ID", description="Subject Accession Number")
_SESSION_ID = _found("SESSION_ID", "Session", "{type}/ID", "string", links=("SESSION_ID",))
_EXPERIMENT_ID = _found("EXPT_ID", "ID", "{type}/ID", links=("EXPT_ID",))
_DATE = _found("DATE", "Date", "{type}/date")

#: What every type of experiment has; its own fields follow.
_EXPERIMENT = (
    _field("URI", "uri", "{type}/ID", "string", made="experiment_uri"),
    DisplayField("RPT", "ID", "string", made="report_image", image=True),
    _DATE,
    DisplayField("PROJECTS", "Projects", "string", made="projects", looked_up=True),
    _found("PROJECT", "Project", "{type}/project", "string"),
    _asking("{TABLE}_PROJECT_IDENTIFIER", "{TABLE} ID", "label_in_project"),
    *_INSERTED,
    _asking("{TABLE}_FIELD_MAP", "Field", "custom_variable"),
)
_COUNTS_OF_SCANS = (
    _asking("SCAN_COUNT_TYPE", "Scan Count By Type", "scans_of_type", "integer", searchable=True),
    _asking("SCAN_COUNT_DESC", "Scan Count By Series Description", "scans_of_series", "integer", searchable=True),
    _asking("SCAN_COUNT_L_TYPE", "Scan Count Like Type", "scans_like_type", "integer", searchable=True),
    _asking("SCAN_COUNT_L_DESC", "Scan Count Like Series Description", "scans_like_series", "integer", searchable=True),
)

ASSESSOR = (_SUBJECT_ID, _EXPERIMENT_ID, _AGE, _labelled("EXPT_ID"), *_EXPERIMENT)
IMAGE_ASSESSOR = (
    _EXPERIMENT_ID,
    _found("SUBJECT_ID", "Subject", "xnat:imageSessionData/subject_ID"),
    _found("SESSION_ID", "Session", "{type}/imageSession_ID", links=("SESSION_ID",)),
    _found("SESSION_DATE", "Session Date", "xnat:imageSessionData/date"),
    _labelled("EXPT_ID"),
    *_EXPERIMENT,
)
SESSION = (
    _SUBJECT_ID,
    _SESSION_ID,
    _EXPERIMENT_ID,
    _AGE,
    _labelled("EXPT_ID"),
    *_EXPERIMENT,
    DisplayField("{CODE}_SCAN_COUNT_AGG", "Scans", "string", made="scan_counts", looked_up=True, searchable=True),
    *_COUNTS_OF_SCANS,
)
#: MR sessions have a document of their own, and other names for some of the above.
MR_SESSION = (
    _SESSION_ID,
    _field("URI", "uri", "{type}/ID", "string", made="experiment_uri"),
    DisplayField(**{**_SUBJECT_ID.__dict__, "visible": False}),
    _found("SUBJECT_LABEL", "Subject Label", "xnat:subjectData/label", "string"),
    DisplayField("RPT", "", "string", made="report_image", image=True),
    _found("DATE", "Date", "{type}/date", "date", description="MR Session Date (DATE)", descending=True),
    _field("DATE_CHAR", "Date", "{type}/date", made="text", description="MR Session Date (String)", descending=True),
    _found("VISIT", "Visit ID", "{type}/visit_id", "string"),
    DisplayField(
        "INVEST_SEARCH",
        "PI",
        "string",
        ("{type}/investigator/firstname", "{type}/investigator/lastname"),
        "with_blank",
        searchable=True,
        description="Primary Investigator (first and last name)",
    ),
    _found("INVEST", "PI", "{type}/investigator/lastname", "string"),
    _field("INVEST_CSV", "PI", "{type}/investigator/lastname", "string"),
    _field("MR_NOTES", "Notes", "{type}/note", "string", made="first_9"),
    _field("MR_NOTES_CSV", "Notes", "{type}/note", "string", made="first_given"),
    _field("OPERATOR", "Operator", "{type}/operator", "string", made="first_5"),
    _found("TYPE", "Type", "{type}/session_type", "string"),
    _field("SCANNER", "Scanner", "{type}/scanner", "string"),
    _field("MARKER", "Marker", "{type}/marker", "string", made="first_5"),
    _field("STABILIZATION", "Stabilization", "{type}/stabilization", "string", made="first_5"),
    *(
        _found(f"{name.upper()}_CSV", name.capitalize(), f"{{type}}/{name}", "string")
        for name in ("operator", "scanner", "marker", "stabilization")
    ),
    DisplayField(**{**_AGE.__dict__, "id": "GEN_AGE", "made": "general_age"}),
    _AGE,
    _looked_up("DTI_COUNT", "DTI Count", "integer"),
    *_INSERTED,
    DisplayField(
        "LAST_MODIFIED",
        "Modified",
        "date",
        ("{type}/meta/last_modified", "{type}/meta/insert_date"),
        "first_given",
        searchable=True,
    ),
    DisplayField("MR_SCAN_COUNT_AGG", "Scans", "string", made="scan_counts", looked_up=True, searchable=True),
    DisplayField("PROJECTS", "Projects", "string", made="projects", looked_up=True),
    _found("PROJECT", "Project", "{type}/project", "string"),
    _asking("MR_PROJECT_IDENTIFIER", "MR ID", "label_in_project"),
    _labelled("SESSION_ID"),
    _asking("{TABLE}_FIELD_MAP", "Field", "custom_variable"),
    *_COUNTS_OF_SCANS,
)

#: What a search shows that asks for no fields: (data type or nothing for its own, field) for each kind of type.
LISTINGS: dict[tuple[DisplayField, ...], tuple[tuple[str, str], ...]] = {
    PROJECT: tuple(
        ("", name)
        for name in (
            "ID", "NAME", "DESCRIPTION", "SECONDARY_ID", "KEYWORDS", "PROJ_MR_COUNT", "PROJ_PET_COUNT",
            "PROJ_CT_COUNT", "PROJECT_ACCESS",
        )
    ),
    SUBJECT: tuple(
        ("", name) for name in ("SUBJECT_LABEL", "GENDER", "HANDEDNESS", "DOB", "EDUC", "SES", "MR_COUNT")
    ),
    MR_SESSION: (
        ("", "LABEL"),
        ("", "PROJECT"),
        ("", "DATE"),
        ("xnat:subjectData", "SUBJECT_LABEL"),
        ("xnat:subjectData", "GENDER_TEXT"),
        ("", "AGE"),
        ("", "TYPE"),
        ("", "SCANNER"),
        ("", "MR_SCAN_COUNT_AGG"),
    ),
    SESSION: (("", "RPT"), ("", "LABEL"), ("xnat:subjectData", "SUBJECT_LABEL"), ("", "DATE"), ("", "AGE")),
    ASSESSOR: (("", "RPT"), ("", "LABEL"), ("xnat:subjectData", "SUBJECT_LABEL"), ("", "DATE"), ("", "AGE")),
    IMAGE_ASSESSOR: (("", "RPT"), ("", "PROJECT"), ("", "LABEL"), ("", "DATE")),
}  # fmt: skip
#: How that is ordered where it is not the latest date first: (field, whether the last come first).
ORDERS: dict[tuple[DisplayField, ...], tuple[str, bool]] = {PROJECT: ("ID", True), SUBJECT: ("SUBJECT_ID", False)}
