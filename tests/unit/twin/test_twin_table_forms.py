"""One table in every form that XNAT writes, to the letter; the order of rows."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from xnat_twin.lists.tables import Table, Value, form_of, render, sort_rows, text

ROWS: list[dict[str, Value]] = [
    {"ID": "a", "note": 'x,"y"\r\nz', "n": 3, "time": dt.time(9, 5)},
    {"ID": "b", "note": "1 < 2 & 3 > 2 </b>", "n": None, "time": None},
]


def _table(**changes: object) -> Table:
    return Table(("ID", "note", "n", "time"), ROWS, **{"title": "T", **changes})  # type: ignore[arg-type]


def _write(form: str, **changes: object) -> str:
    return "".join(render(_table(**changes), form))


def test_json_has_only_text_a_quoted_count_and_milliseconds() -> None:
    assert _write("json") == (
        '{"ResultSet":{"Result":['
        '{"ID":"a","note":"x,\\"y\\"\\r\\nz","n":"3","time":"09:05:00.000"},'
        '{"ID":"b","note":"1 < 2 & 3 > 2 <\\/b>","n":"","time":""}'
        '], "title": "T","totalRecords": "2"}}'
    )


def test_json_has_what_is_set_and_nothing_else() -> None:
    assert _write("json", title="", total_records=False).endswith('"time":""}]}}')
    written = _write("json", column_properties=[{"key": "ID", "linkProps": "[1]"}], properties={"versions": '{"a":1}'})
    assert json.loads(written)["ResultSet"]["Columns"] == [{"key": "ID", "linkProps": [1]}]
    assert json.loads(written)["ResultSet"]["versions"] == {"a": 1}


def test_csv_has_one_line_for_each_row() -> None:
    assert _write("csv") == 'ID,note,n,time\na,"x,""y"" z",3,09:05:00\nb,1 < 2 & 3 > 2 </b>,,\n'


def test_xml_does_not_escape_ampersands() -> None:
    assert _write("xml", column_properties=[{"key": "n", "type": "integer"}]) == (
        '<ResultSet title="T" totalRecords="2"><results><columns><column>ID</column><column>note</column>'
        '<column type="integer">n</column><column>time</column></columns>\n'
        '<rows><row><cell>a</cell><cell>x,"y" z</cell><cell>3</cell><cell>09:05:00</cell></row>\n'
        "<row><cell>b</cell><cell>1 &lt; 2 & 3 &gt; 2 &lt;/b&gt;</cell><cell></cell><cell></cell></row>\n"
        "</rows></results></ResultSet>"
    )


def test_html_escapes_nothing_and_links_what_has_a_root() -> None:
    written = _write("html", column_properties=[{"key": "ID", "serverRoot": "/x/"}])
    assert written.startswith('<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en"><body><table')
    assert '<tr class="x_rs_tr_data odd">\n<td><a href=\'/x/a\'>a</a></td><td>x,"y" z</td>' in written
    assert '<tr class="x_rs_tr_data even">\n' in written
    assert "<td>1 < 2 & 3 > 2 </b></td>" in written
    assert '<tr class="x_rs_tr_data odd">\nax,"y" z309:05:00</tr>' in _write("xlist")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (True, "1"),
        (False, "0"),
        (2.0, "2.0"),
        (0.00025, "2.5E-4"),
        (12345678.0, "1.2345678E7"),
        (-1e10, "-1.0E10"),
        (dt.datetime(2020, 1, 2, 3, 4, 5), "2020-01-02 03:04:05.0"),
        (dt.datetime(2020, 1, 2, 3, 4, 5, 120_000), "2020-01-02 03:04:05.12"),
    ],
)
def test_value_is_written_as_java_does(value: Value, written: str) -> None:
    assert text(value) == written


@pytest.mark.parametrize(
    ("requested", "preferred", "form"),
    [
        ("", "application/json", "json"),
        ("", "text/xml", "xml"),
        ("CSV", "application/json", "csv"),
        ("text/csv", "application/json", "csv"),
        ("xList", "text/html", "xlist"),
        ("no_such", "application/json", "html"),
        ("csv", None, None),
    ],
)
def test_form_is_chosen(requested: str, preferred: str | None, form: str | None) -> None:
    assert form_of(requested, lambda known: preferred) == form


def _sorted(columns: str, *, descending: bool = False) -> list[Value]:
    rows: list[dict[str, Value]] = [{"ID": n, "v": v} for n, v in enumerate(["b", None, "a", "b"])]
    table = Table(("ID", "v"), rows)
    sort_rows(table, columns, descending=descending)
    return [row["ID"] for row in table.rows]


def test_rows_are_sorted_with_nothing_last_and_turned_around_as_a_whole() -> None:
    assert _sorted("V") == [2, 0, 3, 1]
    assert _sorted("v", descending=True) == [1, 3, 0, 2]
    assert _sorted("no_such,v") == [2, 0, 3, 1]
    assert _sorted("no_such") == [0, 1, 2, 3]
    assert _sorted("no_such", descending=True) == [3, 2, 1, 0]


def test_numbers_are_sorted_as_numbers() -> None:
    table = Table(("n",), [{"n": 10}, {"n": 9}, {"n": 0}, {"n": 1.5}])
    sort_rows(table, "n", descending=False)
    assert [row["n"] for row in table.rows] == [0, 1.5, 9, 10]
