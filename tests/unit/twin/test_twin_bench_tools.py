"""The comparison of upload tools runs with everybody who takes part, and what it is made of measures what it says.

How fast anybody is, is no matter here.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from bench import __main__ as bench
from bench.practice import BenchError, Practice, running
from bench.report import Figure
from bench.tools import cases, contenders
from bench.tools.cases import Result, Run
from bench.tools.images import Image, small_images
from bench.tools.latency import RequestCounter, distant
from bench.tools.measured import CommandError, Cost, measure
from bench.tools.table import summary, table

_ALL = (
    contenders.RECIPE,
    contenders.PYXNAT,
    contenders.XNATPY,
    contenders.PARALLEL,
    contenders.OURS,
    contenders.OURS_BY_ANSIBLE,
    contenders.SINGLE,
)


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def images(tmp_path: Path) -> list[Image]:
    return small_images(tmp_path / "images", sessions=2, scans=1, size=2000)


def test_everybody_takes_part_at_a_small_scale(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status = bench.main(["--small", "tools", "--table", str(tmp_path / "build" / "table.md")])
    printed = capsys.readouterr()
    assert (status, printed.err) == (0, "")
    for case in ("fresh: ", "no-op: ", "large: ", "many: "):
        assert f"\n| {case}" in f"\n{printed.out}"
    for contender in _ALL:
        assert f"\n| {contender.name} " in printed.out
    assert "\n| pyxnat (10 of 20) " in printed.out
    written = (tmp_path / "build" / "table.md").read_text()
    assert written.startswith("| case ")
    assert written.endswith(printed.out.removesuffix("\n"))


def test_one_case_alone_can_be_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert bench.main(["--small", "tools", "--case", "large", "--table", str(tmp_path / "table.md")]) == 0
    assert capsys.readouterr().out.startswith("| large: ")


def test_recipe_is_measured_with_some_sessions_and_the_table_says_so(practice: Practice, tmp_path: Path) -> None:
    scale = replace(cases.SMALL, sessions=3, recipe_sessions=2, size=2000)
    [result] = cases.fresh(cases.Course(practice, tmp_path / "course"), scale)
    assert result.runs[contenders.RECIPE].part == "2 of 3"
    assert {run.part for one, run in result.runs.items() if one is not contenders.RECIPE} == {""}
    assert "| curl recipe (2 of 3) " in table(result)


def test_sessions_that_a_contender_left_open_are_ended(practice: Practice, images: list[Image], tmp_path: Path) -> None:
    """An account may have 1000, and the recipe leaves one for each request."""
    course = cases.Course(practice, tmp_path / "course")
    course.prepare(contenders.RECIPE, "LEFT", images)
    course.send(contenders.RECIPE, "LEFT", images)
    with closing(practice.client()) as client:
        assert len(json.loads(client.send("GET", "/xapi/users/active/admin"))) == 1


def test_what_did_not_arrive_as_it_was_sent_is_an_error(
    practice: Practice, images: list[Image], tmp_path: Path
) -> None:
    course = cases.Course(practice, tmp_path / "course")
    course.prepare(contenders.PARALLEL, "WRONG", images)
    course.send(contenders.PARALLEL, "WRONG", images)
    course.check("WRONG", images)
    others = [
        [*images[:-1], replace(images[-1], md5="0" * 32)],
        [*images[:-1], replace(images[-1], size=1)],
        [*images[:-1], replace(images[-1], scan="2")],
        images[:-1],
        images[:2],
    ]
    for wanted in others:
        with pytest.raises(BenchError, match="WRONG"):
            course.check("WRONG", wanted)


def test_bytes_are_read_back(practice: Practice, images: list[Image], tmp_path: Path) -> None:
    """The list goes by the catalog, which does not know what has become of a file."""
    course = cases.Course(practice, tmp_path / "course")
    course.prepare(contenders.PARALLEL, "SPOILT", images[:1])
    course.send(contenders.PARALLEL, "SPOILT", images[:1])
    [stored] = practice.data.glob(f"archive/SPOILT/**/{images[0].path.name}")
    stored.write_bytes(stored.read_bytes()[:-1] + b"?")
    with pytest.raises(BenchError, match="other bytes came back"):
        course.check("SPOILT", images[:1])


def test_contender_that_fails_stops_the_bench(practice: Practice, images: list[Image], tmp_path: Path) -> None:
    course = cases.Course(practice, tmp_path / "course")
    with pytest.raises(BenchError, match=r"(?s)8 x curl -T: exit status 123.*404"):
        course.send(contenders.PARALLEL, "NOWHERE", images)


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_requests_are_counted_however_they_are_cut(cut: int) -> None:
    said = (
        b"GET /data HTTP/1.1\r\nHost: x\r\n\r\n"
        b"PUT /a HTTP/1.1\r\ncontent-length: 9\r\n\r\nGET \r\n\r\n\n"
        b"PUT /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"4;x=y\r\nPUT \r\n12\r\n0123456789\r\n\r\n0123\r\n0\r\n\r\n"
        b"DELETE /c HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
    )
    counter = RequestCounter()
    for start in range(0, len(said), cut):
        counter.feed(said[start : start + cut])
    assert counter.requests == 4


def test_distant_line_delays_each_question_and_each_new_connection(practice: Practice) -> None:
    def ask(connection: http.client.HTTPConnection) -> float:
        started = time.perf_counter()
        connection.request("GET", "/data/version")
        connection.getresponse().read()
        return time.perf_counter() - started

    with distant(practice.url, 0.2) as line:
        with closing(http.client.HTTPConnection(line.url.partition("//")[2])) as connection:
            first, second = ask(connection), ask(connection)
        assert 0.4 <= first < 0.4 + 0.19
        assert 0.2 <= second < 0.2 + 0.19
        assert line.requests == 2
        assert line.sent > 2 * len("GET /data/version HTTP/1.1\r\n\r\n")


def test_distant_line_carries_many_bytes_unharmed_and_at_once(practice: Practice, tmp_path: Path) -> None:
    """Were a block to wait for the one before it, these 200 would take 20 seconds."""
    image = small_images(tmp_path, sessions=1, scans=1, size=50_000_000)[0]
    started = time.perf_counter()
    with distant(practice.url, 0.2) as line:
        far = replace(practice, url=line.url)
        course = cases.Course(far, tmp_path / "course")
        course.prepare(contenders.SINGLE, "FAR", [image])
        course.send(contenders.SINGLE, "FAR", [image])
        course.check("FAR", [image])
    assert line.sent > image.size
    assert time.perf_counter() - started < 15


def test_distant_line_carries_several_connections_at_the_same_time(practice: Practice) -> None:
    def ask(url: str) -> int:
        with closing(http.client.HTTPConnection(url.partition("//")[2])) as connection:
            connection.request("GET", "/data/version")
            return connection.getresponse().status

    with distant(practice.url, 0.2) as line, ThreadPoolExecutor(8) as pool:
        started = time.perf_counter()
        statuses = list(pool.map(ask, [line.url] * 8))
        assert time.perf_counter() - started < 8 * 0.4
    assert set(statuses) <= {200, 401}
    assert line.requests == 8


def test_cost_is_that_of_the_command_and_its_children(tmp_path: Path) -> None:
    work = "import time; held = b'x' * 100_000_000\nwhile time.process_time() < 0.3: pass"
    command = ["bash", "-c", '"$0" -c "$1"; sleep 0.2', sys.executable, work]
    cost, printed = measure(command, dict(os.environ), tmp_path)
    assert printed == ""
    assert cost.seconds > 0.5
    assert 0.3 <= cost.processor < cost.seconds
    assert 100 < cost.memory < 200
    small, printed = measure(["echo", "said"], dict(os.environ), tmp_path)
    assert printed == "said"
    assert small.memory < 30


def test_command_that_fails_tells_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="exit status 3: said\ncomplained"):
        measure(["bash", "-c", "echo said; echo complained >&2; exit 3"], dict(os.environ), tmp_path)


def test_a_part_is_scaled_without_what_comes_but_once() -> None:
    one = Run(Cost(seconds=2.0, processor=1.0, memory=50), requests=12, sent=100)
    part = Run(Cost(seconds=3.0, processor=1.5, memory=60), requests=22, sent=200)
    whole = Run(Cost(seconds=12.0, processor=6.0, memory=60), requests=112, sent=1100, part="11 of 101")
    assert part.scaled(one, 11, 101) == whole


def test_table_says_who_is_how_much_slower_and_whether_that_is_enough() -> None:
    runs = {
        contenders.PYXNAT: Run(Cost(90, 1, 10), 1000, 2e6),
        contenders.OURS: Run(Cost(10, 2, 20)),
    }
    result = Result("case", runs, {contenders.PYXNAT: 10}, ["read this"], missed="too near")
    assert result.figures[contenders.PYXNAT] == Figure("pyxnat", 9, "", 10)
    _, _, pyxnat, ours, _, remark, reason = table(result).splitlines()
    assert _cells(pyxnat) == ["pyxnat", "90.0", "9.00", "at least 10", "MISSED", "1,000", "2.0", "1.0", "0.0", "10"]
    assert _cells(ours) == ["xnat_upload", "10.0", "1.00", "", "", "", "", "2.0", "0.0", "20"]
    assert (remark, reason) == ("- read this", "- missed: too near")
    _, _, short = summary([result]).splitlines()
    assert _cells(short) == ["case", "10.0 s", "pyxnat 90.0 s", "pyxnat 9.00 (at least 10): MISSED (too near)"]
    met = replace(result, targets={contenders.PYXNAT: 8})
    assert "too near" not in table(met) + summary([met])


@pytest.mark.parametrize(("most", "verdict"), [(170, "met"), (171, "MISSED")])
def test_memory_counts_above_the_interpreter_and_only_ours(most: float, verdict: str) -> None:
    runs = {contenders.PYXNAT: Run(Cost(1, 1, 999)), contenders.OURS: Run(Cost(1, 1, 30))}
    runs[contenders.OURS_AGAIN] = Run(Cost(1, 1, most))
    result = Result("case", runs, {}, missed="so much is known", interpreter=20)
    assert result.met is (verdict == "met")
    said = f"memory of xnat_upload above the interpreter: {most - 20:,} MB (at most 150: {verdict})"
    assert said in table(result)
    assert ("so much is known" in table(result) + summary([result])) is (verdict == "MISSED")
    assert replace(result, interpreter=None).met


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
