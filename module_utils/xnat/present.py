"""What of a study is on the server already: objects with the values that the study cares for, and the files.

Reads with as few listings as possible, however many files there are; changes nothing and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .address import Address
from .plan import Listing

NO_FILES = Listing()


@dataclass(frozen=True, slots=True)
class PresentObject:
    """A subject, session or scan as XNAT has it. `values` go by path, and hold what was asked for and is set."""

    id: str
    label: str
    xsi_type: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Present:
    """What is there, under the addresses that the study uses; none of them has an `experiment_id`.

    `listings` has an entry for each resource that has files.
    """

    projects: set[str] = field(default_factory=set)
    subjects: dict[Address, PresentObject] = field(default_factory=dict)
    sessions: dict[Address, PresentObject] = field(default_factory=dict)
    scans: dict[Address, PresentObject] = field(default_factory=dict)
    listings: dict[Address, Listing] = field(default_factory=dict)

    def session_of(self, address: Address) -> PresentObject | None:
        """The session that an address is in, if it is there."""
        return self.sessions.get(address.up_to("experiment")) if address.experiment else None

    def files_of(self, resource: Address) -> Listing:
        """The files of a resource; none if it has none, or is not there."""
        return self.listings.get(resource, NO_FILES)
