"""Tables of every kind become the same rows of texts, and what cannot be read is said with its place."""

from __future__ import annotations

import datetime as dt
import sys
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from ansible.module_utils.xnat.errors import InputError, refuse
from ansible.module_utils.xnat.study.sources import tables


def rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    return [(row.number, row.values) for row in tables.read(path).rows]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def workbook(path: Path, lines: list[list[Any]], formats: dict[str, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in lines:
        book.active.append(line)
    for cell, number_format in (formats or {}).items():
        book.active[cell].number_format = number_format
    book.save(path)
    return path


EXPECTED = [(2, {"subject": "007", "age": "1"}), (3, {"subject": "S2"})]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "subject,age\n007,1\nS2,\n"),
        ("t.csv", "subject;age\r\n007;1\r\nS2;\r\n"),
        ("t.csv", "\ufeffsubject,age\n007,1\nS2\n"),
        ("t.tsv", "subject\tage\n007\t1\nS2\t\n"),
        ("t.tab", "subject\tage\n007\t1\nS2\t\n"),
        ("t.txt", "subject|age\n007|1\nS2|\n"),
        ("t.CSV", ' subject ,"age"\n007, 1 \nS2,\n\n , \n'),
        ("t.csv", "subject\tage\n007\t1\nS2\t\n".encode("utf-16")),
    ],
)
def test_a_text_is_read_whatever_separates_its_columns(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert rows(write(tmp_path / name, content)) == EXPECTED


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.json", '[{"subject": "007", "age": 1}, {"subject": "S2", "age": null}]'),
        ("t.json", '{"totals": {"files": 2}, "files": [{"subject": "007", "age": "1"}, {"subject": "S2"}]}'),
        ("t.yaml", "- {subject: 007, age: 1}\n- subject: S2\n  age:\n"),
        ("t.yml", "rows:\n- {subject: 007, age: 1}\n- {subject: S2, age: ~}\n"),
    ],
)
def test_entries_are_numbered_from_one(tmp_path: Path, name: str, content: str) -> None:
    assert rows(write(tmp_path / name, content)) == [(number - 1, values) for number, values in EXPECTED]


def test_a_quoted_value_may_hold_the_separator_and_lines_count_as_in_an_editor(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", 'a,b\n"1,5","two\nlines"\n\n3,4\n')
    assert rows(path) == [(2, {"a": "1,5", "b": "two\nlines"}), (5, {"a": "3", "b": "4"})]


def test_the_columns_are_known_before_the_rows(tmp_path: Path) -> None:
    assert tables.read(write(tmp_path / "t.csv", "\n\na,b\n1,2\n")).columns == ("a", "b")
    assert tables.read(write(tmp_path / "t.json", '[{"b": 1}, {"a": 1}]')).columns == ("b", "a")


def test_cells_of_a_workbook_become_what_a_person_means(tmp_path: Path) -> None:
    values = [
        1,
        1.0,
        0.1 + 0.2,
        True,
        "007",
        42,
        dt.datetime(2024, 5, 3),
        dt.datetime(2024, 5, 3, 10, 5),
        dt.time(9, 30),
    ]
    names = ["int", "whole", "float", "bool", "text", "code", "date", "moment", "time"]
    path = workbook(tmp_path / "t.xlsx", [names, values, [None] * 9, ["x"]], {"F2": "00000"})
    expected = ["1", "1", "0.3", "true", "007", "00042", "2024-05-03", "2024-05-03T10:05:00", "09:30:00"]
    assert rows(path) == [(2, dict(zip(names, expected, strict=True))), (4, {"int": "x"})]


def test_numbers_and_times_stay_as_they_are_written_in_json_and_yaml(tmp_path: Path) -> None:
    assert rows(write(tmp_path / "t.json", '[{"a": 1.50, "b": 10, "c": true}]'))[0][1] == {
        "a": "1.50",
        "b": "10",
        "c": "true",
    }
    path = write(tmp_path / "t.yaml", "- {a: 1.50, time: 10:05:00, date: 2024-05-03, answer: yes, tags: [x, y]}\n")
    assert rows(path)[0][1] == {
        "a": "1.50",
        "time": "10:05:00",
        "date": "2024-05-03",
        "answer": "yes",
        "tags": "x,y",
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "t.csv has no header"),
        ("t.csv", "\n,,\n", "t.csv has no header"),
        ("t.csv", "a,b,a\n", "two columns of the name 'a'"),
        ("t.csv", "a,b\n1,2,3\n", "row 2: '3' stands in a column without a name"),
        ("t.csv", "a,,b\n1,2,3\n", "row 2: '2' stands in a column without a name"),
        ("t.csv", 'a,b\n1,2\n"3,4\n', "row 3: unexpected end of data"),
        ("t.csv", "a,b\n1,2\nGen\xe8ve,2\n".encode("latin-1"), "is not text in UTF-8, as line 3 shows"),
        ("t.json", "[{]", "is not valid JSON"),
        ("t.json", '["a"]', "must hold a list of entries"),
        ("t.json", '[{"a": "Gen\xe8ve"}]'.encode("latin-1"), "is not text in UTF-8, as line 1 shows"),
        ("t.json", '{"a": 1}', "must hold a list of entries"),
        ("t.json", '[{"a": {"b": 1}}]', "row 1: a must be one value"),
        ("t.json", '[{"a": 1, "a": 2}]', "'a' is given twice"),
        ("t.json", "[]", "has no header"),
        ("t.yaml", "- {a: 1, a: 2}", "'a' is given twice"),
        ("t.yaml", "- [", "is not valid YAML"),
        ("t.yaml", "- {a: !!python/object/apply:os.getcwd []}", "is not valid YAML"),
        ("t.xlsx", "no workbook", "is not a workbook"),
        ("t.xls", "old", "must end in one of .csv, .tsv"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        rows(write(tmp_path / name, content))
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"manifest: {tmp_path / name}")


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    for name in ("t.csv", "t.json", "t.yaml", "t.xlsx"):
        with pytest.raises(InputError, match=r"^table: cannot read .*: No such file or directory"):
            tables.read(tmp_path / name, "table")


def test_a_formula_without_result_and_an_error_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", [["a", "b"], [1, "=A2+1"]])
    with pytest.raises(InputError, match="row 2, column 2 holds a formula without a stored result"):
        rows(path)
    path = workbook(tmp_path / "e.xlsx", [["a"], ["#N/A"]])
    with pytest.raises(InputError, match="row 2, column 1 holds the error #N/A"):
        rows(path)


@pytest.mark.parametrize(("package", "name"), [("openpyxl", "t.xlsx"), ("yaml", "t.yaml")])
def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=r"pip install (openpyxl|PyYAML)$"):
        rows(write(tmp_path / name, "x"))


def test_many_problems_become_one_error_of_which_the_first_are_shown() -> None:
    refuse("fine", [])
    with pytest.raises(InputError) as caught:
        refuse("manifest m.csv", [f"row {number}: bad" for number in range(25)])
    lines = str(caught.value).splitlines()
    assert (lines[0], lines[20], lines[21]) == ("manifest m.csv:", "- row 19: bad", "- and 5 more")
    assert len(caught.value.details["problems"]) == 25


def test_merged_cells_are_refused_as_only_one_of_them_has_the_value(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", [["path", "subject"], ["a", "S1"], ["b", None]])
    book = openpyxl.load_workbook(path)
    assert book.active is not None
    book.active.merge_cells("B2:B3")
    book.save(path)
    with pytest.raises(InputError, match=r"t\.xlsx has cells that are merged \(B2:B3\)"):
        rows(path)


def test_a_workbook_that_breaks_off_in_its_sheet_is_named(tmp_path: Path) -> None:
    good = workbook(tmp_path / "good.xlsx", [["path", "subject"], *([["a", "S1"]] * 50)])
    with zipfile.ZipFile(good) as whole, zipfile.ZipFile(tmp_path / "t.xlsx", "w") as broken:
        for name in whole.namelist():
            content = whole.read(name)
            broken.writestr(name, content[: len(content) // 2] if name.endswith("sheet1.xml") else content)
    with pytest.raises(InputError, match=r"t\.xlsx is not a workbook that can be read"):
        rows(tmp_path / "t.xlsx")


@pytest.mark.parametrize(("name", "content"), [("t.json", "[" * 100_000), ("t.yaml", "[" * 5_000)])
def test_a_file_nested_too_deeply_is_named(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(InputError, match=f"{name} is nested too deeply"):
        tables.read(write(tmp_path / name, content))


def test_the_line_that_tells_excel_the_separator_is_no_header(tmp_path: Path) -> None:
    assert rows(write(tmp_path / "t.csv", "sep=;\nsubject;age\n007;1\n")) == [(3, {"subject": "007", "age": "1"})]
