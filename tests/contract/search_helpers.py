"""What the tests of searches share: documents of searches, and how they are sent and read.

search_fixtures.py has what is searched.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import requests
from xnat_twin.testing import Session

NAMESPACE = "http://nrg.wustl.edu/security"
SUBJECT = "xnat:subjectData"
MR = "xnat:mrSessionData"
LABEL, DATE = f"{MR}/LABEL", f"{MR}/DATE"
SUBJECT_LABEL = f"{SUBJECT}/SUBJECT_LABEL"


def element(name: str, *inside: str, **attributes: str) -> str:
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<xdat:{name}{written}>{''.join(inside)}</xdat:{name}>"


def field(path: str, number: int = 0, **more: str) -> str:
    """A column: `type/ID`, or `type/ID` and its `value` or `header`."""
    owner, _, name = path.partition("/")
    values = {"element_name": owner, "field_ID": name, "sequence": str(number), "type": "string", **more}
    return element("search_field", *(element(key, escape(value)) for key, value in values.items()))


def criterion(path: str, comparison: str = "=", value: str | None = "") -> str:
    """One criterion; none of its value for `None`."""
    values = {"schema_field": path, "comparison_type": comparison, "value": value}
    return element("criteria", *(element(key, escape(one)) for key, one in values.items() if one is not None))


def where(*criteria: str, method: str = "AND") -> str:
    return element("search_where", *criteria, method=method)


def bundle(root: str, fields: Iterable[str] = (), *more: str, **attributes: str) -> str:
    """A document that asks for these columns; fields are paths, or elements made by `field`."""
    columns = (one if one.startswith("<") else field(one, number) for number, one in enumerate(fields))
    inside = (element("root_element_name", root), *columns, *more)
    return element("bundle", *inside, **{"xmlns:xdat": NAMESPACE, **attributes})


def post(http: Session, document: str, **params: str) -> requests.Response:
    return http.post("/data/search", params=params, data=document.encode())


def found(http: Session, document: str, **params: str) -> list[dict[str, str]]:
    """The rows that a search answers as CSV."""
    answer = post(http, document, format="csv", **params)
    assert answer.status_code == 200, answer.text
    return csv_rows(answer)


def csv_rows(answer: requests.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def result(answer: requests.Response) -> dict[str, Any]:
    """The table of an answer in JSON."""
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["ResultSet"])


def sessions_in(project: str, *criteria: str, method: str = "AND") -> str:
    """All sessions of the project for which the criteria hold."""
    here = where(criterion(f"{MR}/project", "=", project))
    return here + (where(*criteria, method=method) if criteria else "")


def session_labels(http: Session, project: str, *criteria: str, method: str = "AND") -> str:
    """The labels of these sessions."""
    rows = found(http, bundle(MR, [LABEL], sessions_in(project, *criteria, method=method)))
    return " ".join(row["label"] for row in rows)
