"""Facts about UK Biobank: its imaging fields, and what the columns of its tables are called. Data, no reading.

Where they come from: the bulk fields with NIFTI and the names of files and columns are those of public converters
(datalad-ukbiobank, Clinica). The numbers of the DICOM fields, of the derived files, and the codes of centres and sexes
are those of the UK Biobank Showcase (biobank.ndph.ox.ac.uk/showcase) as it was remembered when this was written, not
looked up: check a field there before relying on its description. A field that is not listed is taken for what its
archive holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Imaging:
    """What the scan of a field is called in XNAT."""

    type: str
    description: str


SCANS = {
    # Brain, as NIFTI
    "20227": Imaging("rfMRI", "Functional brain images - resting - NIFTI"),
    "20249": Imaging("tfMRI", "Functional brain images - task - NIFTI"),
    "20250": Imaging("dMRI", "Multiband diffusion brain images - NIFTI"),
    "20251": Imaging("SWI", "Susceptibility weighted brain images - NIFTI"),
    "20252": Imaging("T1", "T1 structural brain images - NIFTI"),
    "20253": Imaging("T2_FLAIR", "T2 FLAIR structural brain images - NIFTI"),
    # The same, as DICOM
    "20216": Imaging("T1", "T1 structural brain images - DICOM"),
    "20217": Imaging("tfMRI", "Functional brain images - task - DICOM"),
    "20218": Imaging("dMRI", "Multiband diffusion brain images - DICOM"),
    "20219": Imaging("SWI", "Susceptibility weighted brain images - DICOM"),
    "20220": Imaging("T2_FLAIR", "T2 FLAIR structural brain images - DICOM"),
    "20225": Imaging("rfMRI", "Functional brain images - resting - DICOM"),
    # Heart, as DICOM
    "20207": Imaging("heart_scout", "Scout images for heart MRI - DICOM"),
    "20208": Imaging("heart_long_axis", "Long axis heart images - DICOM"),
    "20209": Imaging("heart_short_axis", "Short axis heart images - DICOM"),
    "20210": Imaging("aortic_distensibility", "Aortic distensibility images - DICOM"),
    "20211": Imaging("heart_cine_tagging", "Cine tagging images - DICOM"),
    "20212": Imaging("heart_LVOT", "Left ventricular outflow tract images - DICOM"),
    "20213": Imaging("blood_flow", "Blood flow images - DICOM"),
    "20214": Imaging("heart_shMOLLI", "Experimental shMOLLI sequence images - DICOM"),
}

# What was computed from images, or recorded beside them: files of the session, not scans.
DERIVED = {
    "20263": "FreeSurfer: T1 surface models and segmentations",
    "25747": "E-Prime: advisor file",
    "25748": "E-Prime: text file",
    "25749": "E-Prime: ed2 file",
    "25750": "rfMRI: full correlation matrix, dimension 25",
    "25751": "rfMRI: full correlation matrix, dimension 100",
    "25752": "rfMRI: partial correlation matrix, dimension 25",
    "25753": "rfMRI: partial correlation matrix, dimension 100",
    "25754": "rfMRI: component amplitudes, dimension 25",
    "25755": "rfMRI: component amplitudes, dimension 100",
}

# EID_FIELD_INSTANCE_ARRAY.zip; some derived fields are single files.
BULK_FILE = re.compile(r"(\d+)_(\d+)_(\d+)_(\d+)(\.[A-Za-z0-9]+)")

# Instances 0 and 1 are visits without imaging, 2 is the first imaging visit, 3 its repeat.
FIRST_IMAGING_INSTANCE = 2

EID_COLUMNS = {
    "eid",
    "f.eid",
    "n_eid",
    "participant.eid",
    "participant id",
    "encoded_id",
    "encoded anonymised participant id",
}
# 31-0.0 (the identifier of the Showcase), f.31.0.0 (R), n_31_0_0 (Stata), x31_0_0 (Python); p53_i2_a0 (Research
# Analysis Platform, which leaves out what a field has only one of).
_UDI = re.compile(r"(?:f\.|x|[a-z]+_)?(\d+)[-._](\d+)[._](\d+)")
_RAP = re.compile(r"(?:participant\.)?p(\d+)(?:_i(\d+))?(?:_a(\d+))?")

SEX, YEAR_OF_BIRTH, DATE_OF_VISIT, CENTRE, AGE_AT_VISIT = "31", "34", "53", "54", "21003"
SEXES = {"0": "female", "1": "male", "female": "female", "male": "male"}
# Coding 10, imaging centres only; any other is kept as it is given.
CENTRES = {"11025": "Cheadle", "11026": "Reading", "11027": "Newcastle", "11028": "Bristol"}
MISSING = {"", "na", "nan", "null"}  # as R, Python and databases write what is not there


def column(name: str) -> tuple[str, int | None, int] | None:
    """Return (field, instance, array) of a column, or None if it is not named after a field."""
    match = _UDI.fullmatch(name.lower()) or _RAP.fullmatch(name.lower())
    if match is None:
        return None
    field, instance, array = match.groups()
    return field, None if instance is None else int(instance), int(array or 0)
