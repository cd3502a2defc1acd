"""What the definition of a DICOM receiver is made of, and the one that every XNAT starts with.

Reference: DicomSCPInstance, MigrateDicomSCPInstanceConfiguration.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from xnat_twin.storage.database import Store
from xnat_twin.storage.store import DicomReceiver

#: What a definition is made of: what is not given is this, also where a definition that exists is changed.
FRESH: dict[str, Any] = {
    "aeTitle": None,
    "port": 0,
    "identifier": None,
    "fileNamer": None,
    "enabled": True,
    "customProcessing": False,
    "directArchive": False,
    "anonymizationEnabled": True,
    "whitelistEnabled": False,
    "whitelist": [],
    "routingExpressionsEnabled": False,
    "projectRoutingExpression": None,
    "subjectRoutingExpression": None,
    "sessionRoutingExpression": None,
}
#: The receiver that every XNAT starts with.
FIRST = {**FRESH, "aeTitle": "XNAT", "port": 8104, "identifier": "dicomObjectIdentifier"}


def create_first(store: Store) -> None:
    """At a start without any receiver there is one again."""
    with store.writing() as session:
        if session.scalar(select(DicomReceiver.receiver_id).limit(1)) is None:
            session.add(DicomReceiver(definition={**FIRST, "created": 0, "timestamp": 0}))
