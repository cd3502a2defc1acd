"""What the tests of searches search; a test file asks for it with `pytest_plugins = ["search_fixtures"]`."""

from __future__ import annotations

import pytest
from search_helpers import MR
from xnat_twin.testing import Session


@pytest.fixture
def cohort(api: Session, project: str) -> str:
    """Subjects A (f, yob 1950) and B (m); MR sessions A1, A2 of 2020 and 2021, B1 of 2019; the project's ID."""
    path = f"/data/projects/{project}"
    for label, fields in (("A", {"gender": "female", "yob": "1950"}), ("B", {"gender": "male"})):
        api.put(f"{path}/subjects/{label}", params=fields).raise_for_status()
    for label, date, more in (
        ("A1", "2020-01-31", {"note": "First of all", "operator": "100% me"}),
        ("A2", "2021-02-28", {f"{MR}/scanner/manufacturer": "Maker", "time": "10:00:00"}),
        ("B1", "2019-03-31", {}),
    ):
        params = {"xsiType": MR, "date": date, **more}
        api.put(f"{path}/subjects/{label[0]}/experiments/{label}", params=params).raise_for_status()
    return project
