"""xnat_biobank_token: a project has the token that was given last, and nobody is shown it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from module_runner import ModuleFailedError, Modules
from xnat_twin.testing import Practice, XnatServer

pytest_plugins = ["module_fixtures"]
pytestmark = pytest.mark.practice_xnat("needs the module dpuk-biobank")

Writes = list[tuple[str, str]]
KEY = "4321\n" + "987654321012345678901234"
OTHER = "1234\n" + "111122223333444455556666"


@pytest.fixture(params=["1.6", "1.10"])
def server(practice: Practice, request: pytest.FixtureRequest) -> XnatServer:
    return practice(request.param, ("dpuk-biobank",))


@pytest.fixture
def modules(server: XnatServer) -> Modules:
    return Modules(server.url, server.admin, server.password)


def kept(server: XnatServer, project: str) -> str:
    """The token as the practice XNAT has it, which a real one tells nobody."""
    answer = server.session().get(f"/data/projects/{project}/config/biobank/token", params={"contents": "true"})
    return answer.text if answer.status_code == 200 else ""


def test_life_of_a_token(server: XnatServer, modules: Modules, writes: Writes, tmp_path: Path) -> None:
    given = {"project": server.new_project(), "record": str(tmp_path / "tokens.json")}
    writes.clear()
    predicted = modules.biobank_token(check=True, project_token=KEY, **given)
    assert (writes, kept(server, given["project"])) == ([], "")
    assert not (tmp_path / "tokens.json").exists()
    made = modules.biobank_token(project_token=f"{KEY}\n", **given)
    assert made["changed"] is predicted["changed"] is True
    assert made["diff"] == predicted["diff"]
    assert "token: as given" in made["diff"]["after"]
    assert kept(server, given["project"]) == KEY, "without the line's end"

    writes.clear()
    for check in (False, True):
        assert modules.biobank_token(check=check, project_token=KEY, **given)["changed"] is False
    assert writes == []

    assert modules.biobank_token(project_token=OTHER, **given)["changed"] is True
    assert kept(server, given["project"]) == OTHER

    assert modules.biobank_token(check=True, state="absent", **given)["changed"] is True
    assert modules.biobank_token(state="absent", **given)["changed"] is True
    assert modules.biobank_token(state="absent", **given)["changed"] is False
    assert modules.biobank_token(project_token=OTHER, **given)["changed"] is True, "what is gone is sent again"


def test_what_xnat_has_lost_is_sent_again(server: XnatServer, modules: Modules, tmp_path: Path) -> None:
    given = {"project": server.new_project(), "project_token": KEY, "record": str(tmp_path / "tokens.json")}
    modules.biobank_token(**given)
    server.session().delete(f"/data/modules/biobank/projects/{given['project']}/token").raise_for_status()
    assert modules.biobank_token(**given)["changed"] is True
    assert kept(server, given["project"]) == KEY


@pytest.mark.parametrize("content", [None, "no JSON", "[]", "{}"])
def test_without_a_record_it_is_sent_again(
    server: XnatServer, modules: Modules, tmp_path: Path, content: str | None
) -> None:
    """Nobody can see whether it is the same."""
    record = tmp_path / "tokens.json"
    given = {"project": server.new_project(), "project_token": KEY, "record": str(record)}
    modules.biobank_token(**given)
    record.unlink()
    if content is not None:
        record.write_text(content)
    again = modules.biobank_token(**given)
    assert again["changed"] is True
    assert "another one, or not sent from here" in again["diff"]["before"]
    assert modules.biobank_token(**given)["changed"] is False


def test_the_record_tells_no_token_and_is_its_owners_alone(
    server: XnatServer, modules: Modules, tmp_path: Path
) -> None:
    record = tmp_path / "tokens.json"
    for project in (server.new_project(), server.new_project()):
        modules.biobank_token(project=project, project_token=KEY, record=str(record))
    assert record.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(record.read_text())) == 2
    assert KEY.split("\n")[1] not in record.read_text()
    assert all(KEY.split("\n")[1] not in text for text in modules.output)


def test_a_token_of_another_form_is_refused_and_not_written_down(
    server: XnatServer, modules: Modules, tmp_path: Path
) -> None:
    given = {"project": server.new_project(), "project_token": "4321", "record": str(tmp_path / "tokens.json")}
    with pytest.raises(ModuleFailedError, match=r"incorrect key format.*biobank\.keyregex"):
        modules.biobank_token(**given)
    assert not (tmp_path / "tokens.json").exists()
    with pytest.raises(ModuleFailedError, match="project_token: is empty"):
        modules.biobank_token(**given | {"project_token": "\n"})


def test_who_may_not_edit_the_project_is_told_so(practice: Practice, tmp_path: Path) -> None:
    server = practice(modules=("dpuk-biobank",))
    project = server.new_project()
    given = {"project": project, "project_token": KEY, "record": str(tmp_path / "tokens.json")}
    reader = Modules(server.url, *server.new_user(project, "Collaborators"))
    with pytest.raises(ModuleFailedError, match="Only a member or an owner"):
        reader.biobank_token(**given)
    stranger = Modules(server.url, *server.new_user())
    with pytest.raises(ModuleFailedError, match=r"there is no project|may not"):
        stranger.biobank_token(**given)


def test_no_project_no_module_and_no_folder_are_told(server: XnatServer, modules: Modules, practice: Practice) -> None:
    with pytest.raises(ModuleFailedError, match="there is no project nosuch"):
        modules.biobank_token(project="nosuch", project_token=KEY, record="/nowhere/tokens.json")
    with pytest.raises(ModuleFailedError, match=r"/nowhere/tokens\.json cannot be written"):
        modules.biobank_token(
            project=(project := server.new_project()), project_token=KEY, record="/nowhere/tokens.json"
        )
    assert kept(server, project) == "", "nothing is sent that cannot be written down"
    other = practice()
    plain = Modules(other.url, other.admin, other.password)
    with pytest.raises(ModuleFailedError, match="is the module dpuk-biobank installed"):
        plain.biobank_token(project=other.new_project(), project_token=KEY, record="/nowhere/tokens.json")
