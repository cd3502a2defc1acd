"""What objects were before, which `includeHistory=true` adds to the JSON of one object."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
from xnat_twin.testing import Session


def _items(api: Session, path: str, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(path, params={"format": "json", **params}).json()["items"]
    return found


@pytest.mark.rule("json-history")
@pytest.mark.parametrize(
    ("below", "kind"),
    [("", "xnat:projectData"), ("/subjects/S1", "xnat:subjectData"), ("/subjects/S1/experiments/S1_MRI", None)],
)
def test_former_states_follow_the_present_one(api: Session, project: str, session: str, below: str, kind: str) -> None:
    path, xpath = f"/data/projects/{project}{below}", {None: "note", "xnat:subjectData": "src"}.get(kind, "description")
    for value in ("first", "second"):
        api.put(path, params={xpath: value}).raise_for_status()
    assert [item["data_fields"].get(xpath) for item in _items(api, path)] == ["second"]
    now, *before = _items(api, path, includeHistory="true")
    assert (now["meta"]["isHistory"], now["data_fields"][xpath]) == (False, "second")
    assert "end_date" not in now["meta"]
    assert [item["data_fields"].get(xpath) for item in before] == [None, "first"]
    assert all(item["meta"]["isHistory"] and item["meta"]["end_date"] for item in before)
    assert {item["data_fields"]["ID"] for item in before} == {now["data_fields"]["ID"]}


@pytest.mark.rule("json-history")
def test_scans_and_renamed_objects_have_a_past(api: Session, project: str, scan: str) -> None:
    api.put(scan, params={"quality": "usable"}).raise_for_status()
    assert [item["data_fields"].get("quality") for item in _items(api, scan, includeHistory="true")] == ["usable", None]
    subject = f"/data/projects/{project}/subjects"
    api.put(f"{subject}/S1", params={"label": "S2"}).raise_for_status()
    assert [item["data_fields"]["label"] for item in _items(api, f"{subject}/S2", includeHistory="true")] == [
        "S2",
        "S1",
    ]


@pytest.mark.rule("json-history")
def test_what_changed_nothing_leaves_nothing(api: Session, project: str) -> None:
    path = f"/data/projects/{project}/subjects/S1"
    for _ in range(2):
        api.put(path, params={"gender": "male"}).raise_for_status()
    assert len(_items(api, path, includeHistory="true")) == 1
    assert len(_items(api, path, includeHistory="false")) == 1


@pytest.mark.rule("json-start")
def test_item_starts_with_its_last_change(api: Session, session: str) -> None:
    def start() -> dt.datetime:
        return dt.datetime.strptime(_items(api, session)[0]["meta"]["start_date"], "%a %b %d %H:%M:%S %Z %Y")

    made = start()
    time.sleep(1.1)
    api.put(session, params={"xsiType": "xnat:mrSessionData"}).raise_for_status()
    assert start() == made
    for number in range(100):
        api.put(session, params={"note": str(number)}).raise_for_status()
        if start() > made:
            return
        time.sleep(0.1)
    pytest.fail("the date stays what it was")
