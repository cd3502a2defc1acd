"""Every module of library/ is documented as it behaves, in every option, default and example."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.xnat import module as glue
from ansible.module_utils.xnat.study import report

ROOT = Path(__file__).parents[3]
MODULES = sorted(path.stem for path in (ROOT / "library").glob("xnat_*.py"))


@cache
def specification(name: str) -> dict[str, Any]:
    """The argument spec that the module really uses."""
    found: dict[str, Any] = {}

    class Enough(Exception):  # noqa: N818 (no error: it only stops the module)
        pass

    def remember(options: dict[str, Any], **_: Any) -> None:
        found.update(options)
        raise Enough

    module: Any = importlib.import_module(name)
    base = next(name for name in ("StudyModule", "AdministrationModule", "XnatModule") if hasattr(module, name))
    real = getattr(module, base)
    setattr(module, base, remember)
    try:
        module.main()
    except Enough:
        return found
    finally:
        setattr(module, base, real)
    raise AssertionError(f"{name} did not make a module")


@cache
def documentation() -> dict[str, Any]:
    """What ansible-doc makes of all modules, fragments included."""
    command = [str(Path(sys.executable).parent / "ansible-doc"), "--json", "-t", "module", *MODULES]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_the_modules_are_there() -> None:
    of_data = {"project", "subject", "experiment", "scan", "resource", "file", "upload"}
    assert of_data | {"site_config", "user", "dicom_receiver", "info"} <= {name[5:] for name in MODULES}


@pytest.mark.parametrize("name", MODULES)
def test_options_are_documented_as_they_are(name: str) -> None:
    documented = documentation()[name]["doc"]["options"]
    real = specification(name)
    assert set(documented) == set(real)
    for option, spec in real.items():
        words = documented[option]
        for key, default in (("type", "str"), ("default", None), ("required", False), ("choices", None)):
            assert words.get(key, default) == spec.get(key, default), f"{option}: {key}"
        assert words.get("elements") == spec.get("elements"), option
        assert words.get("aliases", []) == spec.get("aliases", []), option
        if "fallback" in spec:
            (variable,) = spec["fallback"][1]
            assert f"E({variable})" in " ".join(words["description"]), option


@pytest.mark.parametrize("name", MODULES)
def test_secrets_are_not_logged(name: str) -> None:
    spec = specification(name)
    assert spec["password"]["no_log"]
    assert spec["token"]["no_log"]
    assert not [option for option in spec if option.endswith("_password") and "no_log" not in spec[option]]


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_valid(name: str) -> None:
    tasks = yaml.safe_load(documentation()[name]["examples"])
    assert len(tasks) >= 2
    validator = ArgumentSpecValidator(specification(name))
    for task in tasks:
        assert task["name"]
        result = validator.validate(task[name])
        assert result.error_messages == [], task


@pytest.mark.parametrize("name", MODULES)
def test_what_is_returned_is_documented(name: str) -> None:
    returned = documentation()[name]["return"]
    assert {"requests"} <= set(returned)
    if name == "xnat_upload":
        assert set(report.COLUMNS) == set(returned["files"]["contains"])
        assert set(report.totals([], requests=0, sent_bytes=0, seconds=1)) == set(returned["totals"]["sample"])
        return
    assert "object" in returned
    if name == "xnat_file":
        assert {"name", "path", "size", "digest", "uri", "action", "reason"} == set(returned["files"]["contains"])


@pytest.mark.parametrize("name", MODULES)
def test_check_mode_and_diff_are_promised_and_the_text_renders(name: str) -> None:
    doc = documentation()[name]["doc"]
    assert doc["attributes"]["check_mode"]["support"] == "full"
    assert doc["attributes"]["diff_mode"]["support"] == ("none" if name == "xnat_info" else "full")
    assert doc["short_description"]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_documentation_and_one_call(name: str) -> None:
    source = (ROOT / "library" / f"{name}.py").read_text()
    code = re.sub(r'"""', "", source[source.index("from ansible.module_utils") :])
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    assert "requests" not in code
    assert "/data" not in code


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_contract_tests(name: str) -> None:
    short = name.removeprefix("xnat_")
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "contract").glob("test_module_*.py"))
    assert f"modules.{short}(" in tests or f'"{short}"' in tests


def code_of(source: str) -> str:
    """A file without its comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = [*node.body[1:], ast.Pass()]
    return ast.unparse(tree)


# A path of XNAT as a text, and one that is made out of an address by hand.
_PATHS = re.compile(r"""['"{]/(data|archive|xapi|REST|app)\b|\.(path|by_id)(\}/| \+ )""")


def test_code_is_told_from_comments_and_docstrings() -> None:
    source = '"""Asks /data/a."""\n\ndef f():\n    """Asks /data/b."""\n    return "#", "/data/c"  # /data/d\n'
    code = code_of(source)
    assert re.findall(r"/data/.", code) == ["/data/c"]
    for built in ('f"{of.path}/files"', 'of.path + "/files"', '"/archive" + of', '"#" + "/data/y"', '"/xapi/a"'):
        assert _PATHS.search(code_of(f"x = {built}")), built


def test_only_session_sends_requests_and_only_address_builds_paths() -> None:
    for path in (ROOT / "module_utils" / "xnat").rglob("*.py"):
        source = path.read_text()
        code = code_of(source)
        if path.name != "session.py":
            assert not re.search(r"^\s*(import|from) (requests|urllib3|http)\b", source, re.MULTILINE), path.name
        if path.name != "address.py":
            assert not (found := _PATHS.search(code)), f"{path.name}: {found}"
        if path.name != "module.py":
            assert "ansible" not in code, path.name


def test_a_missing_requests_library_is_reported_in_ansibles_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ansible.module_utils.testing import patch_module_args

    monkeypatch.setattr(glue.session, "REQUESTS_ERROR", "No module named 'requests'")
    with patch_module_args({"project": "p", "url": "https://xnat.test"}), pytest.raises(SystemExit):
        importlib.import_module("xnat_project").main()
    assert "Failed to import the required Python library (requests)" in json.loads(capsys.readouterr().out)["msg"]


def messages() -> str:
    """All text constants of the client library, with a gap where a value goes in."""
    texts = []
    for path in (ROOT / "module_utils" / "xnat").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                texts.append("".join(str(part) for part in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


def test_the_errors_in_the_data_managers_page_are_real() -> None:
    page = (ROOT / "docs" / "data-manager.md").read_text()
    table = page[page.index("## 5. When something is wrong") :]
    rows = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert len(rows) > 10
    known = messages().lower()
    for row in rows:
        # Values in the page's examples: a type, a character, an ID, a status; and "Cannot" stands before any deed.
        for piece in re.split(r"…|Cannot |'[^']*'|xnat:\w+|\bID\b|XNAT_E|\b\d+\b", row):
            words = piece.strip(" ,(")
            assert words.lower() in known, f"{row!r}: nothing says {words!r}"
