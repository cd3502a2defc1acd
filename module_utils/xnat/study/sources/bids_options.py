"""How a BIDS dataset becomes a study: what a person can choose. Decides nothing, and reads nothing."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError
from .bids_names import OPAQUE_FOLDERS

SCAN_IDS = ("number", "stem")
GRADIENTS = ("separate", "together")


@dataclass(frozen=True)
class Options:
    """The choices, with the defaults of the module.

    keep_prefix: the subject of the folder `sub-01` is labelled `sub-01` instead of `01`.
    session: label of a session, from {project}, {subject} (its label), {session} (without `ses-`) and {modality} (MR,
        PET, EEG or MEG). Must be unique in the project, because XNAT has one name space for all sessions of it.
    session_without_folder: the same for the images of a subject that has no `ses-` folder.
    scan_id: `number` counts the scans of a session; `stem` takes the name of the image without its extension. Never the
        bare suffix: XNAT would take it for the type of a scan.
    quality: quality of new scans.
    sidecar_resource: resource for sidecars and the other texts of a scan, session or project.
    gradients: `separate` puts .bval and .bvec into the resources BVAL and BVEC, `together` into NIFTI.
    dataset_files: send dataset_description.json, README, the participants table and what else belongs to the whole
        dataset, and inherited sidecars with their path, to the project's resource.
    folders: which of derivatives, sourcedata, code, docs, logs and stimuli are sent, each as a resource of the session,
        subject or project that its paths name.
    participants: file name of the participants table; without it participants.tsv, else participants_data.tsv.
    subjects: only these subjects (with or without `sub-`); empty means all.
    shifted_dates: give sessions also a date before 1926, by which BIDS marks dates that were shifted to hide the true
        ones. Without it such a session gets its time of day only, as the date is not one on which anything happened.
    keep_phi: take over what tells who a person is: dates of birth in the participants table, entries of sidecars.
    allow_empty: send files of 0 bytes, instead of refusing them.
    """

    keep_prefix: bool = False
    session: str = "{subject}_{session}"
    session_without_folder: str = "{subject}_{modality}1"
    scan_id: str = "number"
    quality: str = "usable"
    sidecar_resource: str = "BIDS"
    gradients: str = "separate"
    dataset_files: bool = True
    folders: tuple[str, ...] = ()
    participants: str | None = None
    subjects: tuple[str, ...] = ()
    shifted_dates: bool = False
    keep_phi: bool = False
    allow_empty: bool = False

    def __post_init__(self) -> None:
        """Raise InputError for a choice that there is not."""
        for option, value, allowed in (
            ("scan_id", self.scan_id, SCAN_IDS),
            ("gradients", self.gradients, GRADIENTS),
            *(("folders", folder, OPAQUE_FOLDERS) for folder in self.folders),
        ):
            if value not in allowed:
                raise InputError(f"bids: {option} cannot be {value!r}. Choose from {', '.join(allowed)}.")
        self.label(self.session, subject="1", session="1", modality="MR", project="P")
        self.label(self.session_without_folder, subject="1", session="", modality="MR", project="P")

    def label(self, template: str, **parts: str) -> str:
        """The label that a template makes of these parts. Raises InputError for a template that cannot be meant."""
        try:
            return template.format(**parts)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise InputError(
                f"bids: {template!r} is no template of a session's label: {error}. Use "
                f"{', '.join('{' + part + '}' for part in sorted(parts))} in it."
            ) from error
