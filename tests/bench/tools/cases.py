"""What is measured: new sessions, files that are there already, one large file, and memory for very many files.

Each contender gets the same files, a project of its own on the same server, and a fresh process. A figure counts only
if the server then lists exactly these files with their sizes and digests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.practice import BenchError, Practice
from bench.report import Figure

from .contenders import (
    OURS,
    OURS_AGAIN,
    OURS_BY_ANSIBLE,
    OURS_BY_SIZE,
    PARALLEL,
    PYXNAT,
    RECIPE,
    SINGLE,
    XNATPY,
    Contender,
    Job,
    changed,
)
from .images import Image, check_arrived, large_image, small_images, tiny_files, write_table
from .latency import Line, distant
from .measured import CommandError, Cost, measure

#: Least seconds of the other one for each of ours.
_FRESH = {PYXNAT: 5.0, XNATPY: 3.0}
_FRESH_FAR = {PYXNAT: 30.0, XNATPY: 15.0}
_AGAIN = {PYXNAT: 100.0}
_LARGE = {SINGLE: 0.9}
#: Most MB that xnat_upload may take above what a Python takes that does nothing.
_MEMORY = 150


#: Those that are the module itself, and say whether they changed something.
_ALL_OURS = {OURS, OURS_AGAIN, OURS_BY_SIZE}


@dataclass(frozen=True)
class Scale:
    """How much is sent; seconds of `round_trips`, of which 0 is the direct way to the server.

    `recipe_sessions` and `part` are what is measured of those who cannot do all, or take too long. With the recipe,
    each request opens a session of the server: an account may have 1000, and is told then that its password is wrong.
    """

    sessions: int = 200
    recipe_sessions: int = 40
    files_there: int = 10_000
    part: int = 100
    size: int = 200_000
    large: int = 4 * 1024**3
    many: int = 100_000
    round_trips: tuple[float, ...] = (0, 0.05)
    repeats: int = 2


SMALL = Scale(
    sessions=2,
    recipe_sessions=2,
    files_there=20,
    part=10,
    size=20_000,
    large=5_000_000,
    many=200,
    round_trips=(0.002,),
    repeats=1,
)


@dataclass(frozen=True)
class Run:
    """What a contender cost; requests and bytes are None where nothing stood between it and the server.

    `server` is the server's processor time; `part` says how much was measured, if that was not all.
    """

    cost: Cost
    requests: float | None = None
    sent: float | None = None
    server: float = 0
    part: str = ""

    def scaled(self, one: Run, part: int, whole: int) -> Run:
        """What `whole` files would have cost, if `part` cost this much and the first one as much as `one`."""

        def line(at_one: float, at_part: float) -> float:
            return at_one + (at_part - at_one) / (part - 1) * (whole - 1)

        cost = Cost(
            line(one.cost.seconds, self.cost.seconds),
            line(one.cost.processor, self.cost.processor),
            self.cost.memory,
        )
        counted = self.requests is not None and one.requests is not None
        return Run(
            cost,
            line(one.requests or 0, self.requests or 0) if counted else None,
            line(one.sent or 0, self.sent or 0) if counted else None,
            line(one.server, self.server),
            f"{part:,} of {whole:,}",
        )


@dataclass(frozen=True)
class Result:
    """A case's runs by those who took part, and how they compare with ours. `missed` is why a target can be missed.

    With `interpreter`, the MB that a Python takes which does nothing, the memory of ours counts as well.
    """

    title: str
    runs: Mapping[Contender, Run]
    targets: Mapping[Contender, float]
    remarks: Sequence[str] = ()
    missed: str = ""
    interpreter: float | None = None

    @property
    def memory(self) -> Figure | None:
        """The most MB that ours took above the interpreter, if that counts."""
        if self.interpreter is None:
            return None
        most = max(run.cost.memory for one, run in self.runs.items() if one in _ALL_OURS) - self.interpreter
        return Figure("memory of xnat_upload above the interpreter", most, "MB", _MEMORY, "most")

    @property
    def met(self) -> bool:
        """Whether every target is met."""
        return all(figure.met for figure in (*self.figures.values(), *([self.memory] if self.memory else [])))

    @property
    def figures(self) -> dict[Contender, Figure]:
        """Seconds of each for one second of ours."""
        ours = self.runs[OURS].cost.seconds
        return {
            one: Figure(one.name, run.cost.seconds / ours, "", self.targets.get(one)) for one, run in self.runs.items()
        }


class Course:
    """Where the contenders run: a server, and a folder for what they read and write."""

    def __init__(self, practice: Practice, folder: Path) -> None:
        self._practice, self._folder = practice, folder
        self._jobs = 0

    def images(self, name: str, sessions: int, scans: int, size: int) -> list[Image]:
        return small_images(self._folder / name, sessions, scans, size)

    def tiny_files(self, sessions: int, scans: int, files: int) -> list[Image]:
        return tiny_files(self._folder / "many", sessions, scans, files)

    def interpreter(self) -> float:
        """MB of memory that a Python takes which does nothing."""
        return measure([sys.executable, "-c", "pass"], {}, self._folder)[0].memory

    def large_image(self, size: int) -> list[Image]:
        return large_image(self._folder / "large", size)

    def send(
        self, contender: Contender, project: str, images: Sequence[Image], round_trip: float = 0, *, again: bool = False
    ) -> Run:
        """Let it carry the images, in a fresh process. Raises BenchError if it fails or, `again`, changes something."""
        self._jobs += 1
        folder = self._folder / f"job{self._jobs}"
        folder.mkdir(parents=True)
        with self._line(round_trip) as line:
            job = Job(line.url, project, images, folder)
            write_table(images, Path(job.table))
            before = self._practice.cpu_seconds
            try:
                cost, printed = measure(contender.command(job), job.environment, folder)
            except CommandError as error:
                raise BenchError(f"{contender.name}: {error}") from error
            server = self._practice.cpu_seconds - before
            run = Run(cost, line.requests, line.sent, server) if round_trip else Run(cost, server=server)
        self._end_sessions()
        if again and contender in _ALL_OURS and changed(printed):
            raise BenchError(f"{contender.name} changed something although all was there: {printed[-2000:]}")
        return run

    def _end_sessions(self) -> None:
        """Those that a contender left open would count against the next one's."""
        with closing(self._practice.client()) as client:
            client.send("DELETE", "/xapi/users/active/admin")

    def prepare(self, contender: Contender, project: str, images: Sequence[Image]) -> None:
        with closing(self._practice.client()) as client:
            contender.prepare(client, project, images)

    def check(self, project: str, images: Sequence[Image]) -> None:
        with closing(self._practice.client()) as client:
            check_arrived(client, project, images)

    @contextmanager
    def _line(self, round_trip: float) -> Iterator[Line]:
        if not round_trip:
            yield Line(self._practice.url)
            return
        with distant(self._practice.url, round_trip) as line:
            yield line


def fresh(course: Course, scale: Scale) -> Iterator[Result]:
    """New sessions with one scan each, which has the two images in one resource."""
    images = course.images("fresh", scale.sessions, 1, scale.size)
    for number, round_trip in enumerate(scale.round_trips):
        runs = {}
        for contender in (RECIPE, PYXNAT, XNATPY, PARALLEL, OURS, OURS_BY_ANSIBLE):
            part = scale.recipe_sessions if contender is RECIPE else scale.sessions
            project = f"FRESH{number}{contender.project}"
            run = _sent_new(course, contender, project, images[: 2 * part], round_trip)
            if part < scale.sessions:
                one = _sent_new(course, contender, f"{project}1", images[:2], round_trip)
                run = run.scaled(one, part, scale.sessions)
            runs[contender] = run
        ours = runs[OURS]
        yield Result(
            f"fresh: {scale.sessions} sessions, 2 files of {scale.size // 1000} KB each, {_distance(round_trip)}",
            runs,
            _FRESH_FAR if round_trip >= 0.05 else _FRESH,
            (
                f"{RECIPE.name}: its sessions were made beforehand, as it demands; {PARALLEL.name}: all objects were",
                f"start of Ansible: {runs[OURS_BY_ANSIBLE].cost.seconds - ours.cost.seconds:.1f} s",
            ),
            f"in {ours.cost.seconds:.1f} s the server, one Python process, computes for {ours.server:.1f} s to make "
            "objects and store files, as it must for everybody, on cores that it shares with the client",
        )


def _sent_new(course: Course, contender: Contender, project: str, images: Sequence[Image], round_trip: float) -> Run:
    course.prepare(contender, project, images)
    run = course.send(contender, project, images, round_trip)
    course.check(project, images)
    return run


def again(course: Course, scale: Scale) -> Iterator[Result]:
    """Files that are all there: two in each of the five scans of a session."""
    sessions = scale.files_there // 10
    images = course.images("again", sessions, 5, scale.size)
    course.prepare(OURS, "AGAIN", images)
    first = course.send(OURS, "AGAIN", images)
    course.check("AGAIN", images)
    for round_trip in scale.round_trips:
        runs = {}
        for contender in (RECIPE, PYXNAT, XNATPY):
            one = course.send(contender, "AGAIN", images[:1], round_trip)
            part = course.send(contender, "AGAIN", images[: scale.part], round_trip)
            runs[contender] = part.scaled(one, scale.part, len(images))
        for contender in (OURS, OURS_BY_SIZE):
            runs[contender] = course.send(contender, "AGAIN", images, round_trip, again=True)
        course.check("AGAIN", images)
        each, ours = runs[PYXNAT].cost.seconds / len(images), runs[OURS].cost
        yield Result(
            f"no-op: {len(images):,} files in {sessions:,} sessions are there already, {_distance(round_trip)}",
            runs,
            _AGAIN,
            (
                f"the others were measured with 1 and with {scale.part} of the files, and taken to go on like that",
                f"xnat_upload compares MD5 sums, the others names; to send all took it {first.cost.seconds:.1f} s",
            ),
            f"pyxnat needs {each * 1000:.1f} ms for a file, and looks for its name; xnat_upload computes for "
            f"{ours.processor / len(images) * 1000:.1f} ms: it reads the header, searches it for personal data, and "
            f"computes the MD5 of {scale.size // 1000} KB",
        )


def large(course: Course, scale: Scale) -> Iterator[Result]:
    """One large file; the better of some runs, in turns, since the disk has its moods."""
    images = course.large_image(scale.large)
    runs: dict[Contender, Run] = {}
    for number in range(scale.repeats):
        for contender in (SINGLE, OURS):
            run = _sent_new(course, contender, f"LARGE{number}{contender.project}", images, 0)
            runs[contender] = min(runs.get(contender, run), run, key=lambda one: one.cost.seconds)
    yield Result(
        f"large: one file of {scale.large / 1024**3:.3g} GB, {_distance(0)}",
        runs,
        _LARGE,
        (f"the better of {scale.repeats} runs each; {SINGLE.name}: all objects were made beforehand",),
        f"both ends compute the MD5, with {runs[OURS].cost.processor:.1f} s and {runs[OURS].server:.1f} s of processor "
        "time on the cores that they share; curl computes none",
        course.interpreter(),
    )


def many(course: Course, scale: Scale) -> Iterator[Result]:
    """Very many tiny files, 100 in each of the five scans of a session: new, then all there. Only ours: for memory."""
    sessions = max(1, scale.many // 500)
    images = course.tiny_files(sessions, 5, scale.many // sessions // 5)
    runs = {OURS: _sent_new(course, OURS, "MANY", images, 0)}
    runs[OURS_AGAIN] = course.send(OURS_AGAIN, "MANY", images, again=True)
    course.check("MANY", images)
    yield Result(
        f"many: {len(images):,} files of 30 bytes in {5 * sessions:,} resources",
        runs,
        {},
        missed="what is planned and what was found is held in memory, file by file",
        interpreter=course.interpreter(),
    )


CASES = {"fresh": fresh, "again": again, "large": large, "many": many}


def _distance(round_trip: float) -> str:
    return f"round trip {round_trip * 1000:g} ms" if round_trip else "no latency"
