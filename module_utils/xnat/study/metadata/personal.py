"""What looks personal: by the name of an entry, or by the form of a text. Pure; knows no files.

The names are those of DICOM's basic profile (PS3.15, table E.1-1) that tell about a person, a visit or a date, and
what `dcm2niix -ba y` leaves out. Not among them: sex, age, weight and size, which are research data; institution,
station and serial number of the scanner, which BIDS recommends and dcm2niix keeps, because harmonising data needs them.
"""

from __future__ import annotations

import re
from typing import Any

_NAMES = """
PatientName PatientID OtherPatientID OtherPatientNames PatientBirthName PatientBirthDate PatientBirthTime
PatientMotherBirthName PatientAddress PatientTelephoneNumbers PatientReligiousPreference PatientComments
PatientInstitutionResidence PatientState AdditionalPatientHistory IssuerOfPatientID MedicalRecordLocator
ResponsiblePerson CurrentPatientLocation CountryOfResidence RegionOfResidence MilitaryRank BranchOfService
PersonName PersonAddress PersonTelephoneNumbers
ReferringPhysicianName ReferringPhysicianAddress ReferringPhysicianTelephoneNumbers PhysicianOfRecord
PerformingPhysicianName NameOfPhysicianReadingStudy NameOfPhysiciansReadingStudy RequestingPhysician
ScheduledPerformingPhysicianName ConsultingPhysicianName OperatorName OperatorsName ReviewerName
VerifyingObserverName
AccessionNumber StudyID AdmissionID ServiceEpisodeID PlacerOrderNumberImagingServiceRequest
FillerOrderNumberImagingServiceRequest RequestedProcedureID PerformedProcedureStepID ScheduledProcedureStepID
StudyInstanceUID SeriesInstanceUID SOPInstanceUID FrameOfReferenceUID
AcquisitionDateTime AcquisitionDate StudyDate SeriesDate ContentDate InstanceCreationDate AdmittingDate
PerformedProcedureStepStartDate ScheduledProcedureStepStartDate
DateOfBirth BirthDate Birthday DOB FirstName LastName Surname GivenName FamilyName FullName SubjectName
ParticipantName EmailAddress Email PhoneNumber Phone NHSNumber NHSNo CHINumber CHI MRN MedicalRecordNumber
HospitalNumber SSN SocialSecurityNumber TelephoneNumber Telephone Mobile Postcode ZipCode
HomeAddress NationalInsuranceNumber
"""
# In DICOM's own JSON, and where a program knows no names, an entry goes by its tag.
_TAGS = {
    "00080012": "InstanceCreationDate",
    "00080018": "SOPInstanceUID",
    "00080020": "StudyDate",
    "00080021": "SeriesDate",
    "00080022": "AcquisitionDate",
    "00080023": "ContentDate",
    "0008002a": "AcquisitionDateTime",
    "00080050": "AccessionNumber",
    "00080090": "ReferringPhysicianName",
    "00080092": "ReferringPhysicianAddress",
    "00080094": "ReferringPhysicianTelephoneNumbers",
    "00081048": "PhysicianOfRecord",
    "00081050": "PerformingPhysicianName",
    "00081060": "NameOfPhysicianReadingStudy",
    "00081070": "OperatorsName",
    "00100010": "PatientName",
    "00100020": "PatientID",
    "00100021": "IssuerOfPatientID",
    "00100030": "PatientBirthDate",
    "00100032": "PatientBirthTime",
    "00101000": "OtherPatientID",
    "00101001": "OtherPatientNames",
    "00101005": "PatientBirthName",
    "00101040": "PatientAddress",
    "00101060": "PatientMotherBirthName",
    "00101090": "MedicalRecordLocator",
    "00102154": "PatientTelephoneNumbers",
    "001021b0": "AdditionalPatientHistory",
    "00104000": "PatientComments",
    "0020000d": "StudyInstanceUID",
    "0020000e": "SeriesInstanceUID",
    "00200010": "StudyID",
    "00200052": "FrameOfReferenceUID",
    "00400244": "PerformedProcedureStepStartDate",
}


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _key(name: str) -> str:
    plain = _plain(name)
    # DICOM has named them both ways: Patient's Name, Patient Name.
    return re.sub(r"(patient|physician|operator)s", r"\1", _plain(_TAGS.get(plain, plain)))


_PERSONAL = {_key(name) for name in _NAMES.split()}
_PSEUDONYMS = {"patientname", "patientid", "otherpatientid", "subjectname", "participantname"}
_NOBODY = re.compile(
    r"(n/?a|none|null|unknown|anon(ymou?s|ymi[sz]ed)?|de-?identified|removed|redacted|hidden|[x0*?_. -]*)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(\d{4})")
# BIDS: dates that were shifted to hide the true ones are of 1925 or earlier.
FIRST_TRUE_YEAR = 1926


def is_personal(name: str) -> bool:
    """Whether an entry of that name tells who somebody is: by DICOM's names, and what people write instead."""
    return _key(name) in _PERSONAL


def json_value(name: str, value: Any, subject: str) -> bool:
    """Whether the value of an entry with a personal name says anything. The study's own label for the subject does not.

    An object never does: in a data dictionary it is the description of a column.
    """
    if isinstance(value, list):
        return any(json_value(name, part, subject) for part in value)
    if value is None or isinstance(value, (dict, bool)):
        return False
    text, key = str(value).strip(), _key(name)
    if _NOBODY.fullmatch(text):
        return False
    if key in _PSEUDONYMS and _plain(text) in _labels(subject):
        return False
    if "date" in key and "birth" not in key and (year := _YEAR.match(text)):
        return int(year.group(1)) >= FIRST_TRUE_YEAR
    return True


def _labels(subject: str) -> set[str]:
    label = _plain(subject)
    return {label, f"sub{label}", label.removeprefix("sub")} - {"", "sub"}


# What programs write into headers. Taken out of a text before it is looked at; what remains must not look personal.
_OF_PROGRAMS = re.compile(
    r"""
    (?<![a-z0-9])(?:tr|te|ti|fa|time|phase|flip|b|dt|mb|seed)\s*[=:]\s*[-+0-9.e]+(?:\s*(?:ms|msec|sec|s|us|deg|hz))?
    | (?<![a-z0-9])v?\d+(?:\.\d+){1,3}(?:[-:+][0-9a-f.g-]+)*  # versions: 6.0.5:9e026117, v1.0.20211006, 0.016
    | (?<![a-z0-9])n\d_v[a-z]\d+\w*                            # software of Siemens: N4_VB17A_LATEST_20090307
    | freesurfer\s+[a-z]{3}\s+\d{1,2}\s+\d{4}                # the day that FreeSurfer was built
    """,
    re.IGNORECASE | re.VERBOSE,
)
_UID = re.compile(r"(?<![\d.])[0-2](?:\.\d+){5,}")
_WORDS = re.compile(
    r"""
    (?<![a-z])patient
    | (?<![a-z])(?:dob|d\.o\.b|birth(?:day|date|_date)?|born|mrn|nhs|ssn|surname
        | (?:first|last|family|given|subject'?s?|participant'?s?)[ _.-]*name)(?![a-z])
    | (?<![a-z])(?<!series[ _])(?<!protocol[ _])(?<!sequence[ _])(?<!task[ _])(?<!contrast[ _])name\s*[:=]
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PERSON_NAME = re.compile(r"[^\W\d_]{2,}[\w'-]*\^|[^\W\d_]\^[^\W\d_]{2,}")
_COMMA_NAME = re.compile(r"(?<!\w)[A-Z][A-Za-z'-]+,\s+[A-Z][A-Za-z'-]+(?!\w)")
_DATE = re.compile(
    r"""
    (?<!\d)(?:
        (?:19|20)\d\d([-/. ]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])
      | \d{1,2}[- ](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[- ,]+(?:19|20)\d\d
    )(?!\d)
    | (?<![a-z])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[- ]\d{1,2}[- ,]+(?:19|20)\d\d(?!\d)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Looked for before versions are taken out, since it may look like one.
_DAY_FIRST = re.compile(r"(?<![\d.])(?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|[12]\d|3[01])\1(?:19|20)\d\d(?!\d)")
_LONG_NUMBER = re.compile(r"(?<![\d.])\d{7,}(?!\d)|(?<!\d)\d{3}[ -]\d{3}[ -]\d{4}(?!\d)")
_TWO_WORDS = re.compile(r"[^\W\d_]{2,}(?:[ ,_.]+[^\W\d_]{2,}){1,2}")
_OF_IMAGES = frozenset(
    """
    image images mask map scan brain data file anat func bold mri mr ct pet t none analyze nifti spm fsl afni ants mean
    average warped smoothed normalised normalized segmented atlas template label labels study sub ses original float
    short header volume imaging biobank sagittal axial coronal contrast the and of
    """.split()  # noqa: SIM905 (a list of fifty quoted words is harder to read)
)


def header_text(field: str, text: str, subject: str) -> bool:
    """Whether a text in the header of an image looks as if it told who somebody is.

    `db_name` held the name of the patient in the formats before NIFTI, so that two plain words suffice there.
    """
    if not text or _NOBODY.fullmatch(text) or _plain(text) in _labels(subject):
        return False
    if _UID.search(text) or _DAY_FIRST.search(text):
        return True
    if len(subject) > 2:
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(subject)}(?![A-Za-z0-9])", " ", text)
    text = _OF_PROGRAMS.sub(" ", text)
    if any(form.search(text) for form in (_WORDS, _PERSON_NAME, _DATE, _LONG_NUMBER)):
        return True
    if set(re.findall(r"[^\W\d_]+", text.lower())) & _OF_IMAGES:
        return False
    return bool(_COMMA_NAME.search(text)) or (field == "db_name" and bool(_TWO_WORDS.fullmatch(text.strip())))
