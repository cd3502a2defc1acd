"""Criteria of searches: comparisons by display field and by XPath, sets of them, lists of values."""

from __future__ import annotations

import pytest
from search_helpers import (
    DATE,
    LABEL,
    MR,
    SUBJECT,
    SUBJECT_LABEL,
    bundle,
    criterion,
    element,
    found,
    post,
    result,
    session_labels,
    sessions_in,
    where,
)
from xnat_twin.testing import Session

pytest_plugins = ["search_fixtures"]

AGE, NOTES, NOTE = f"{MR}/AGE", f"{MR}/MR_NOTES_CSV", f"{MR}/note"
BORN = f"{SUBJECT}/DOB"


@pytest.mark.rule("search-criteria-fields")
@pytest.mark.parametrize(
    ("field", "comparison", "value", "labels"),
    [
        (LABEL, "=", "A1", "A1"),
        (LABEL, "=", "a1", ""),
        (LABEL, "!=", "A1", "A2 B1"),
        (LABEL, " >= ", "A2", "A2 B1"),
        (LABEL, "LIKE", "a%", "A1 A2"),
        (LABEL, "LIKE", "a", ""),
        (LABEL, "NOT LIKE", "%1", "A2"),
        (LABEL, "=", "*", "A1 A2 B1"),
        (LABEL, "BETWEEN", "A1 AND A2", "A1 A2"),
        (f"{MR}.LABEL", "=", "A1", "A1"),
        (NOTES, "=", "", "A2 B1"),
        (NOTES, "!=", "other", "A1 A2 B1"),
        (NOTES, "<>", "other", "A1"),
        (NOTES, "=", "*", "A1"),
        (DATE, ">", "2020-01-31", "A2"),
        (DATE, "<=", "01/31/2020", "A1 B1"),
        (DATE, "BETWEEN", "2019-01-01 AND 2020-12-31", "A1 B1"),
        (f"{MR}/INSERT_DATE", ">", "2001-01-01", "A1 A2 B1"),
        (AGE, "<", "71", "A1"),
        (AGE, "=", "70.0", "A1"),
        (f"{SUBJECT}/GENDER_TEXT", "=", "M", "B1"),
    ],
)
def test_display_fields(api: Session, cohort: str, field: str, comparison: str, value: str, labels: str) -> None:
    assert session_labels(api, cohort, criterion(field, comparison, value)) == labels


@pytest.mark.rule("search-criteria-xpaths")
@pytest.mark.parametrize(
    ("path", "comparison", "value", "labels"),
    [
        (f"{MR}/label", "=", "A1", "A1"),
        (f"{MR}/label", "LIKE", "1", "A1 B1"),
        (NOTE, "LIKE", "*first*", "A1"),
        (NOTE, "LIKE", "'First%'", "A1"),
        (NOTE, "LIKE", "f%all", "A1"),
        (f"{MR}/operator", "LIKE", r"100\% m_", "A1"),
        (NOTE, "!=", "other", "A1"),
        (NOTE, "=", "", "A2 B1"),
        (NOTE, "=", "*", "A1"),
        (f"{MR}/date", ">=", "01/31/2020", "A1 A2"),
        (f"{MR}.date", "<", "2020-01-01", "B1"),
        (f"{MR}/date", ">", "no date", ""),
        (f"{SUBJECT}/demographics/yob", "<", "1951", "A1 A2"),
        (f"{MR}/scanner/manufacturer", "=", "Maker", "A2"),
        (f"{MR}/time", ">", "09:00:00", "A2"),
    ],
)
def test_xpaths(api: Session, cohort: str, path: str, comparison: str, value: str, labels: str) -> None:
    assert session_labels(api, cohort, criterion(path, comparison, value)) == labels


@pytest.mark.rule("search-criteria-null")
@pytest.mark.parametrize("field", [NOTES, NOTE])
@pytest.mark.parametrize(
    ("comparison", "value", "labels"),
    [
        ("IS NULL", "", "A2 B1"),
        ("IS", "NULL", "A2 B1"),
        ("IS NOT NULL", "", "A1"),
        ("IS NOT", "NULL", "A1"),
        ("IS", "NOT NULL", "A1"),
        (" IS NULL ", "", "A2 B1"),
    ],
)
def test_null(api: Session, cohort: str, field: str, comparison: str, value: str, labels: str) -> None:
    assert session_labels(api, cohort, criterion(field, comparison, value)) == labels


@pytest.mark.rule("search-criteria-numbers")
def test_numbers_are_part_of_the_sql(api: Session, cohort: str) -> None:
    """1952-01-01 is 1950."""
    here = where(criterion(f"{SUBJECT}/project", "=", cohort))
    for value, labels in (("1952-01-01", ["A"]), ("1950", ["A"]), ("1952-01-02", [])):
        rows = found(api, bundle(SUBJECT, [SUBJECT_LABEL], here, where(criterion(BORN, "=", value))))
        assert [row["subject_label"] for row in rows] == labels, value
    assert post(api, bundle(SUBJECT, [BORN], where(criterion(BORN, "=", "young")))).status_code == 500


@pytest.mark.rule("search-criteria-errors")
@pytest.mark.parametrize(
    "criteria",
    [
        criterion(f"{MR}/NOTHING", "=", "x"),
        criterion("xnat:unknownData/LABEL", "=", "x"),
        criterion(DATE, "=", "no date"),
        criterion(DATE, "LIKE", "2020%"),
        criterion(f"{MR}/date", "LIKE", "2020"),
        criterion(f"{MR}/date", "=", "no date"),
        criterion(LABEL, "BETWEEN", "A1"),
        criterion(LABEL, "CONTAINS", "A1"),
        criterion(LABEL, "IS LIKE", "A1"),
        criterion("xnat:investigatorData/lastname", "=", "x"),
        criterion(LABEL, "=", "A1") + element("child_set", method="AND"),
    ],
)
def test_what_the_database_does_not_understand(api: Session, criteria: str) -> None:
    assert post(api, bundle(MR, [LABEL], where(criteria))).status_code == 500


@pytest.mark.rule("search-sets")
def test_sets(api: Session, cohort: str) -> None:
    first, second = criterion(LABEL, "=", "A1"), criterion(LABEL, "=", "B1")
    assert session_labels(api, cohort, first, second) == ""
    assert session_labels(api, cohort, first, second, method="OR") == "A1 B1"
    either = element("child_set", first, second, method="OR")
    assert session_labels(api, cohort, criterion(DATE, "<", "2020-01-01"), either) == "B1"
    both = element("child_set", criterion(LABEL, "LIKE", "A%"), criterion(DATE, ">", "2020-12-31"), method="AND")
    assert session_labels(api, cohort, second, both, method="OR") == "A2 B1"
    separate = sessions_in(cohort, first, second, method="OR") + where(criterion(DATE, ">", "2020-01-01"))
    assert [row["label"] for row in found(api, bundle(MR, [LABEL], separate))] == ["A1"]
    listed = element("child_set", criterion(LABEL, "IN", "'A1',\"B1\",C"), method="AND")
    assert session_labels(api, cohort, listed) == "A1 B1"
    unjoined = element("search_where", first, second)
    assert post(api, bundle(MR, [LABEL], unjoined)).status_code == 500


@pytest.mark.rule("search-list-of-values")
def test_list_of_values(api: Session, cohort: str) -> None:
    """A row for each value, in their order; other criteria do not count."""
    ids = {row["label"]: row["session_id"] for row in found(api, bundle(MR, [LABEL], sessions_in(cohort)))}
    values = f"""'{{"{ids["B1"]}","nobody",{ids["A1"]}}}'"""
    listed = where(criterion(f"{MR}.SESSION_ID", "IN", values)) + where(criterion(LABEL, "=", "A2"))
    rows = found(api, bundle(MR, [DATE], listed))
    assert [row["date"] for row in rows] == ["2019-03-31", "", "2020-01-31"]
    assert [row["search_field0"] for row in rows] == [ids["B1"], "nobody", ids["A1"]]
    assert [row["sort_order0"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["session_id"] == ids["B1"]
    columns = [one["key"] for one in result(post(api, bundle(MR, [DATE], listed)))["Columns"]]
    assert columns[0] == "search_field0"
    for field, wrong in ((f"{MR}.SESSION_ID", ids["B1"]), (f"{MR}.NOTHING", values)):
        assert post(api, bundle(MR, [DATE], where(criterion(field, "IN", wrong)))).status_code == 500
