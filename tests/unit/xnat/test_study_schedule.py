"""What goes next in a study: largest first, one document of a subject at a time, files behind their document."""

from __future__ import annotations

import threading

import pytest
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.plan import CREATE, Action, LocalFile
from ansible.module_utils.xnat.study.object_plan import DocumentAction
from ansible.module_utils.xnat.study.schedule import Schedule, Unit, unit_of
from ansible.module_utils.xnat.study.study_plan import ResourcePlan


def document(subject: str, session: str | None = None) -> Unit:
    address = Address("p", subject, session)
    return Unit(DocumentAction(address, exists=False, path=address.path, body=b"<x/>", changes=()))


def files(size: int, subject: str | None, session: str | None = None, name: str = "R") -> Unit:
    address = Address("p", subject, session, "1" if session else None, resource=name)
    actions = tuple(
        Action(CREATE, f"{number}", "new", LocalFile(f"{number}", f"/{number}", part, 0))
        for number, part in enumerate((size - size // 2, size // 2))
    )
    return unit_of(ResourcePlan(address, exists=False, actions=actions))


def order(schedule: Schedule) -> list[Unit]:
    """The units as a single worker gets them; all succeed."""
    taken = []
    while unit := schedule.next():
        taken.append(unit)
        schedule.finished(unit)
    return taken


def without_waiting(schedule: Schedule, count: int) -> list[Unit]:
    """So many units as are to be had at once, each to a worker of its own."""
    taken = [schedule.next() for _ in range(count)]
    assert None not in taken
    return [unit for unit in taken if unit]


def nothing_to_be_had(schedule: Schedule) -> bool:
    """Whether who asks now has to wait. What is going on is left as it is."""
    with schedule._changed:
        unit = schedule._pop()
        if unit is not None:
            schedule._push(schedule._documents if unit.is_document else schedule._files, unit)
        return unit is None


def test_the_size_of_a_unit_is_that_of_its_files() -> None:
    assert files(101, "S").size == 101


@pytest.mark.parametrize("sizes", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_largest_files_go_first(sizes: tuple[int, ...]) -> None:
    units = [files(size, "S", "E", f"R{size}") for size in sizes]
    assert [unit.size for unit in order(Schedule(units, workers=1))] == [3, 2, 1]


def test_equal_files_go_in_the_order_of_the_study() -> None:
    units = [files(5, "S", "E", f"R{number}") for number in range(5)]
    assert order(Schedule(units, workers=1)) == units


def test_the_document_whose_files_are_largest_goes_first() -> None:
    documents = {size: document(f"S{size}", f"E{size}") for size in (10, 30, 20)}
    units = [*documents.values(), *(files(size, f"S{size}", f"E{size}") for size in documents)]
    taken = order(Schedule(units, workers=1))
    assert [unit.is_document for unit in taken] == [True] * 3 + [False] * 3
    assert [unit.size for unit in taken] == [30, 20, 10] * 2


def test_files_wait_for_the_document_of_their_session_and_of_no_other() -> None:
    first, second = document("A", "E1"), document("B", "E2")
    of_first, of_second = files(1, "A", "E1"), files(100, "B", "E2")
    schedule = Schedule([of_second, of_first, first, second], workers=8)
    assert set(without_waiting(schedule, 2)) == {first, second}
    assert nothing_to_be_had(schedule)
    schedule.finished(first)
    assert without_waiting(schedule, 1) == [of_first]
    assert nothing_to_be_had(schedule)
    schedule.finished(second)
    assert without_waiting(schedule, 1) == [of_second]


def test_files_without_a_document_wait_for_nothing_but_leave_one_worker_to_documents() -> None:
    free = [files(10, "X", "E", f"R{number}") for number in range(4)]
    pair = [document("A", "E1"), document("A", "E2")]
    schedule = Schedule([*free, *pair], workers=3)
    first, *sent = without_waiting(schedule, 3)
    assert first in pair
    assert set(sent) < set(free)
    # The third worker is kept for the second document of A.
    schedule.finished(first)
    assert without_waiting(schedule, 1) == [unit for unit in pair if unit is not first]
    assert nothing_to_be_had(schedule)


def test_of_a_new_subject_one_document_goes_alone_and_then_all_others_at_once() -> None:
    units = [document("A", f"E{number}") for number in range(4)]
    largest = files(9, "A", "E2")
    schedule = Schedule([*units, largest], workers=8)
    assert without_waiting(schedule, 1) == [units[2]]
    assert nothing_to_be_had(schedule)
    schedule.finished(units[2])
    assert set(without_waiting(schedule, 4)) == {units[0], units[1], units[3], largest}


def test_the_subjects_own_document_goes_before_those_of_its_sessions() -> None:
    own, session = document("A"), document("A", "E1")
    schedule = Schedule([session, files(100, "A", "E1"), own], workers=8)
    assert without_waiting(schedule, 1) == [own]
    assert nothing_to_be_had(schedule)


def test_different_subjects_go_at_once() -> None:
    units = [document(f"S{number}", f"E{number}") for number in range(8)]
    assert set(without_waiting(Schedule(units, workers=8), 8)) == set(units)


def test_files_of_the_subject_itself_wait_for_one_of_its_documents() -> None:
    session, own_files = document("A", "E1"), files(50, "A")
    schedule = Schedule([own_files, session], workers=8)
    assert without_waiting(schedule, 1) == [session]
    assert nothing_to_be_had(schedule)
    schedule.finished(session)
    assert without_waiting(schedule, 1) == [own_files]


def test_when_a_document_fails_its_files_are_dropped_and_the_next_of_the_subject_goes() -> None:
    first, second = document("A", "E1"), document("A", "E2")
    of_first, of_second, of_subject = files(9, "A", "E1"), files(5, "A", "E2"), files(7, "A")
    schedule = Schedule([first, second, of_first, of_second, of_subject], workers=8)
    assert without_waiting(schedule, 1) == [first]
    schedule.finished(first, "no room")
    assert (of_first.dropped, of_first.because_of) == (f"the {first.address} could not be written: no room", first)
    assert without_waiting(schedule, 1) == [second]
    schedule.finished(second)
    assert [unit.size for unit in order(schedule)] == [7, 5]
    assert not of_first.started
    assert (of_second.dropped, of_subject.dropped) == (None, None)


def test_when_all_documents_of_a_subject_fail_its_own_files_are_dropped() -> None:
    units = [document("A", "E1"), document("A", "E2")]
    own_files = files(7, "A")
    schedule = Schedule([*units, own_files], workers=8)
    for _ in units:
        schedule.finished(without_waiting(schedule, 1)[0], "no room")
    assert schedule.next() is None
    assert own_files.dropped
    assert own_files.because_of in units


def test_when_the_document_of_a_subject_fails_all_below_it_is_dropped() -> None:
    own, session, other = document("A"), document("A", "E1"), document("B", "E2")
    below = [session, files(1, "A", "E1"), files(1, "A")]
    schedule = Schedule([own, other, *below], workers=8)
    assert set(without_waiting(schedule, 2)) == {own, other}
    schedule.finished(own, "refused")
    assert [unit.because_of for unit in below] == [own] * 3
    assert not any(unit.started for unit in below)
    schedule.finished(other)
    assert schedule.next() is None


def test_who_waits_is_told_of_the_end_and_of_a_stop() -> None:
    for stop in (True, False):
        schedule = Schedule([document("A", "E1"), files(1, "A", "E1")], workers=2)
        running = schedule.next()
        assert running
        given: list[Unit | None] = []
        waiting = threading.Thread(target=lambda s=schedule, to=given: to.append(s.next()))
        waiting.start()
        if stop:
            schedule.stop()
        else:
            schedule.finished(running, "no")
        waiting.join(60)
        assert given == [None]
