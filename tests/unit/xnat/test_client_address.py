"""Labels are checked before any request, and become the URLs that XNAT understands."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from ansible.module_utils.xnat import address
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.errors import InputError

SCAN = Address("test1", "sub001", "sub001_MRI", "1")
FILES = Address("test1", "sub001", "sub001_MRI", "1", resource="NIFTI")


@pytest.mark.parametrize("kind", address.KINDS)
@pytest.mark.parametrize("label", ["a b", "a/b", "ä", "a#b", "a%20b", "a?b", "a'b", "a,b", "*", "", "..", "a\nb"])
def test_a_label_that_xnat_cannot_keep_is_refused(kind: str, label: str) -> None:
    with pytest.raises(InputError, match=f"^{kind}: "):
        address.check_label(kind, label)


def test_the_refusal_names_the_characters_and_what_is_allowed() -> None:
    with pytest.raises(InputError, match=re.escape("subject: 'sub 001!' contains ' ', '!'")) as caught:
        address.check_label("subject", "sub 001!")
    assert "letters, digits, '_' and '-'" in str(caught.value)


@pytest.mark.parametrize("label", ["ALL", "all", "NULL"])
def test_a_scan_cannot_be_named_like_a_selector_of_many(label: str) -> None:
    with pytest.raises(InputError, match="several scans"):
        Address("p", "s", "e", label)


def test_a_resource_of_digits_would_be_a_database_number() -> None:
    with pytest.raises(InputError, match="number of a resource"):
        Address("p", resource="12")
    assert Address("p", resource="12a").label == "12a"


def test_an_address_has_no_gap() -> None:
    with pytest.raises(InputError, match=r"^subject: is missing"):
        Address("p", experiment="e")
    with pytest.raises(InputError, match=r"^experiment: is missing"):
        Address("p", "s", scan="1")
    with pytest.raises(InputError, match="exclude each other"):
        Address("p", "s", "e", "1", "qc")


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (Address("p"), "/data/projects/p"),
        (Address("p", "s"), "/data/projects/p/subjects/s"),
        (Address("p", "s", "e"), "/data/projects/p/subjects/s/experiments/e"),
        (Address("p", "s", "e", experiment_id="X1"), "/data/projects/p/subjects/s/experiments/e"),
        (Address("p", "s", "e", "1", experiment_id="X1"), "/data/experiments/X1/scans/1"),
        (Address("p", "s", "e", None, "qc", experiment_id="X1"), "/data/experiments/X1/assessors/qc"),
        (Address("p", resource="R"), "/data/projects/p/resources/R"),
        (Address("p", "s", resource="R"), "/data/projects/p/subjects/s/resources/R"),
        (Address("p", "s", "e", resource="R", experiment_id="X1"), "/data/experiments/X1/resources/R"),
        (Address("p", "s", "e", "1", resource="R", experiment_id="X1"), "/data/experiments/X1/scans/1/resources/R"),
    ],
)
def test_below_an_experiment_paths_go_through_its_id(where: Address, path: str) -> None:
    assert where.path == path


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (Address("p", resource="R"), "/data/projects/p/resources"),
        (Address("p", "s", resource="R"), "/data/projects/p/subjects/s/resources"),
        (Address("p", "s", "e", resource="R", experiment_id="X1"), "/data/experiments/X1/resources"),
        (Address("p", "s", "e", "1", resource="R", experiment_id="X1"), "/data/experiments/X1/scans/1/resources"),
    ],
)
def test_resources_are_listed_at_their_holder(where: Address, path: str) -> None:
    assert where.resources == path


def test_an_address_reads_like_a_sentence() -> None:
    assert str(FILES) == "resource NIFTI of scan 1 of experiment sub001_MRI of subject sub001 of project test1"
    assert SCAN.up_to("subject") == Address("test1", "sub001")
    assert FILES.owner == SCAN


def stored_by_xnat(path: str) -> str:
    """The rule of FileList in XNAT 1.8: decoded as a whole if it holds %20 or %2B, else stored as it was sent."""
    return unquote(path.replace("+", "%20")) if "%20" in path or "%2B" in path else path


@pytest.mark.parametrize(
    "name", ["T1.nii.gz", "sub/dir/a.txt", "a b.txt", "a+b.txt", "a+b c (1).txt", "x(1),2=3@4~5.txt", "a b+(1),=@~.nii"]
)
def test_every_accepted_name_arrives_as_it_is(name: str) -> None:
    path = FILES.file(name)
    assert stored_by_xnat(path.split("/files/", 1)[1]) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a#b",
        "a%b",
        "ä.txt",
        "a?b",
        "a;b",
        "a:b",
        "a\\b",
        "*",
        "a*",
        "/a",
        "a//b",
        "../a",
        "a/./b",
        " a",
        "a ",
        "b/ a",
        "x.zip/a.txt",
        "X.JAR/a",
        "foo_catalog.xml",
        "sub/.~lock-a",
        "a/",
    ],
)
def test_a_name_that_would_not_arrive_as_it_is_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"^dest: "):
        address.check_file_name(name)


def test_a_plain_delete_hits_whatever_starts_with_the_name() -> None:
    names = ["a.txt", "a.txt.bak", "b.txt", "a.txt/c"]
    assert address.hits_of_delete("a.txt", names) == ["a.txt", "a.txt.bak", "a.txt/c"]


@pytest.mark.parametrize("name", ["a.txt", "sub/a b+(1).txt", "x,=@~y"])
def test_the_exact_form_hits_only_the_name(name: str) -> None:
    names = [name, name + ".bak", name + "/c", "z" + name]
    assert address.hits_of_delete(address.exact_delete_pattern(name), names) == [name]


def test_the_exact_form_can_hit_a_sibling_and_that_is_seen() -> None:
    names = ["a.txt", "a.txt.bak", "aXtxt"]
    assert address.hits_of_delete(address.exact_delete_pattern("a.txt"), names) == ["a.txt", "aXtxt"]


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("/data/experiments/XNAT_E1/scans/1/resources/4/files/sub/a.txt", "sub/a.txt"),
        ("/data/projects/files/resources/4/files/a.txt", "a.txt"),
        ("/data/projects/files/files/resources/4/files/a.txt", "a.txt"),
        ("/data/experiments/XNAT_E1/scans/files/resources/4/files/resources/1/files/a", "resources/1/files/a"),
        ("/data/experiments/XNAT_E1/scans/resources/resources/4/files/files/a", "files/a"),
        ("/archive/other/a.txt", None),
    ],
)
def test_the_name_of_a_file_is_what_follows_its_resource(uri: str, name: str | None) -> None:
    assert address.name_in_uri(uri) == name


def test_labels_and_names_longer_than_xnat_keeps_are_refused() -> None:
    assert address.check_label("subject", "x" * 255)
    with pytest.raises(InputError, match=r"^subject: 'x{20}'\.\.\. has 256 characters"):
        address.check_label("subject", "x" * 256)
    assert address.check_file_name("x" * 255 + "/" + "y" * 255)
    with pytest.raises(InputError, match=r"^dest: .* longer than the 255 characters"):
        address.check_file_name("a/" + "y" * 256)
