"""The plan: for each file what to do and why, from what is here and what is there."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.xnat import plan
from ansible.module_utils.xnat.errors import ConflictError, InputError
from ansible.module_utils.xnat.plan import Action, Labels, Listing, LocalFile, StoredFile


def here(name: str, size: int = 3) -> LocalFile:
    return LocalFile(name, f"/here/{name}", size, 0)


def there(name: str, size: int | None = 3, digest: str | None = "d1", **more: Any) -> StoredFile:
    return StoredFile(name, size, digest, **more)


def planned(
    stored: StoredFile | None,
    overwrite: str = "different",
    ours: str = "d1",
    theirs: str = "d1",
    labels: Labels | None = None,
) -> Action:
    listing = Listing((stored,) if stored else ())
    (action,) = plan.plan_upload([here("a")], listing, overwrite, labels or Labels(), {"a": ours}, {"a": theirs})
    return action


@pytest.mark.parametrize("overwrite", plan.OVERWRITE)
def test_a_missing_file_is_created_whatever_the_policy(overwrite: str) -> None:
    action = planned(None, overwrite)
    assert (action.kind, action.reason) == ("created", "not there yet")


@pytest.mark.parametrize(
    ("overwrite", "stored", "ours", "kind", "reason"),
    [
        ("different", there("a"), "d1", "unchanged", "same size and MD5"),
        ("different", there("a"), "d2", "replaced", "MD5 differs: d1 there, d2 here"),
        ("different", there("a", 4), "d1", "replaced", "size differs: 4 bytes there, 3 here"),
        ("different", there("a", None), "d1", "unchanged", "same size and MD5"),
        ("never", there("a", 4), "d2", "unchanged", "is there; overwrite is never"),
        ("always", there("a"), "d1", "replaced", "overwrite is always"),
        ("fail", there("a"), "d1", "unchanged", "same size and MD5"),
    ],
)
def test_an_existing_file_by_policy(overwrite: str, stored: StoredFile, ours: str, kind: str, reason: str) -> None:
    action = planned(stored, overwrite, ours)
    assert (action.kind, action.reason) == (kind, reason)


def test_fail_stops_before_anything_and_names_the_files() -> None:
    with pytest.raises(ConflictError, match=r"1 of 1 files are there with other content: a \(size differs"):
        planned(there("a", 4), "fail")


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (Labels(format="NIFTI"), "same content, but format is not set"),
        (Labels(content="T1"), "same content, but content is not set"),
        (Labels(tags=("x",)), "same content, but tag x is missing"),
    ],
)
def test_a_label_that_is_asked_for_and_missing_is_a_difference(labels: Labels, reason: str) -> None:
    assert planned(there("a"), labels=labels).reason == reason


def test_labels_that_are_there_are_no_difference() -> None:
    stored = there("a", format="NIFTI", content="T1", tags=frozenset({"x", "y"}))
    assert not planned(stored, labels=Labels("NIFTI", "T1", ("x",))).changes


def test_only_files_of_equal_or_unknown_size_need_their_md5() -> None:
    files = [here("same"), here("longer"), here("unknown"), here("new")]
    stored = Listing((there("same"), there("longer", 4), there("unknown", None)))
    assert [file.name for file, _ in plan.digests_needed(files, stored, "different")] == ["same", "unknown"]
    assert plan.digests_needed(files, stored, "never") == []
    assert plan.digests_needed(files, stored, "always") == []


def test_a_name_that_an_old_server_stored_with_percent_signs_is_found() -> None:
    listing = Listing((there("a%20b"),))
    found = listing.get("a b")
    assert found is not None
    assert found.name == "a%20b"


@pytest.mark.parametrize(("local", "stored"), [(["a", "a/b"], []), (["a/b"], ["a"]), (["a"], ["a/b/c"])])
def test_a_file_where_a_folder_is_is_refused(local: list[str], stored: list[str]) -> None:
    listing = Listing(tuple(there(name) for name in stored))
    with pytest.raises(InputError, match="would be a file and"):
        plan.plan_upload([here(name) for name in local], listing, "never", Labels(), {}, {})


def test_two_sources_for_one_name_are_refused() -> None:
    twice = [LocalFile("a", "/x/a", 1, 0), LocalFile("a", "/y/a", 1, 0)]
    with pytest.raises(InputError, match="/x/a and /y/a would both become 'a'"):
        plan.check_unique(twice)


def test_the_diff_shows_only_what_changes() -> None:
    actions = [
        Action("created", "new", "not there yet", here("new")),
        Action("replaced", "old", "size differs", here("old"), there("old", 4)),
        Action("unchanged", "kept", "same", here("kept"), there("kept")),
        Action("deleted", "gone", "is there", None, there("gone", 5, None)),
    ]
    before, after = plan.diff(actions)
    assert before == {"old": "4 bytes, MD5 d1", "gone": "5 bytes"}
    assert list(after) == ["new", "old"]


def test_long_lists_are_cut_with_a_count() -> None:
    assert plan.shortened(list("abcdefg")) == "a, b, c, d, e and 2 more"
