"""What the tests of objects (projects, subjects, experiments, scans ...) share: items and tables as they are shown."""

from __future__ import annotations

from typing import Any

from xnat_twin.testing import Session


def item_of(api: Session, path: str) -> dict[str, Any]:
    """One object as JSON shows it: meta, data_fields and children."""
    return dict(api.get(path, params={"format": "json"}).json()["items"][0])


def fields_of(api: Session, path: str, child: str = "") -> dict[str, Any]:
    """The fields of one object, or of the first of the items that it has as `child`."""
    item = item_of(api, path)
    if child:
        item = children_of(item, child)[0]
    return dict(item["data_fields"])


def children_of(item: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The items that an item has as `name`, `scans/scan` for instance."""
    return next((list(child["items"]) for child in item["children"] if child["field"] == name), [])


def rows_of(api: Session, path: str, **params: str) -> list[dict[str, str]]:
    answer = api.get(path, params=params)
    answer.raise_for_status()
    return list(answer.json()["ResultSet"]["Result"])


def labels_of(api: Session, path: str, **params: str) -> list[str]:
    return [row["label"] for row in rows_of(api, path, **params)]
