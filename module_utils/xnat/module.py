"""The Ansible glue: options, check mode, diff, results, and every error as one readable message.

The only file here that knows Ansible. What is done to XNAT is in model.py and resource.py.
"""

from __future__ import annotations

import netrc
import traceback
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from . import fields, model, resource, session
from .address import Address, check_file_name
from .errors import InputError, XnatError
from .model import Desired, Outcome
from .plan import OVERWRITE, Labels
from .server import Server, user_info


def _from_environment(name: str, kind: str = "str", **more: Any) -> dict[str, Any]:
    return {"type": kind, "fallback": (env_fallback, [name]), **more}


CONNECTION = {
    "url": _from_environment("XNAT_URL"),
    "username": _from_environment("XNAT_USER"),
    "password": _from_environment("XNAT_PASSWORD", no_log=True),
    "token": _from_environment("XNAT_TOKEN", no_log=True),
    "validate_certs": _from_environment("XNAT_VALIDATE_CERTS", "bool", default=True),
    "ca_path": _from_environment("XNAT_CA_PATH", "path"),
    "timeout": _from_environment("XNAT_TIMEOUT", "int", default=60),
    "retries": _from_environment("XNAT_RETRIES", "int", default=3),
}

# How each kind of object is named, from the project down.
_KEY = {
    "project": ["project"],
    "subject": ["project", "subject"],
    "experiment": ["project", "subject", "experiment"],
    "scan": ["project", "subject", "experiment", "scan"],
}
_RESOURCE_KEY = ["project", "subject", "experiment", "scan", "assessor", "resource"]
_OPTION_TYPES = {"yob": "int", "age": "int", "frames": "int", "education": "int"}


def _key_options(names: list[str], required: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {name: {"type": "str", "required": name in required} for name in names}
    if "experiment" in options:
        options["experiment"]["aliases"] = ["session"]
    return options


def object_options(kind: str) -> dict[str, Any]:
    """Return the argument spec of the module for one kind of object."""
    options: dict[str, Any] = {**CONNECTION, **_key_options(_KEY[kind], _KEY[kind])}
    options.update({name: {"type": _OPTION_TYPES.get(name, "str")} for name in fields.ATTRIBUTES[kind]})
    options["fields"] = {"type": "dict", "default": {}}
    options["state"] = {"type": "str", "choices": ["present", "absent"], "default": "present"}
    if kind == "project":
        options["accessibility"] = {"type": "str", "choices": ["private", "protected", "public"]}
    else:
        options["create_parents"] = {"type": "bool", "default": True}
    if kind in {"experiment", "scan"}:
        options["xsi_type"] = {"type": "str"}
    return options


def resource_options(*, files: bool) -> dict[str, Any]:
    """Return the argument spec of xnat_resource, or (`files`) of xnat_file."""
    options: dict[str, Any] = {**CONNECTION, **_key_options(_RESOURCE_KEY, ["project", "resource"])}
    options["format"] = {"type": "str"}
    options["content"] = {"type": "str"}
    options["tags"] = {"type": "list", "elements": "str", "default": []}
    options["create_parents"] = {"type": "bool", "default": True}
    options["state"] = {"type": "str", "choices": ["present", "absent"], "default": "present"}
    if files:
        options["src"] = {"type": "list", "elements": "path"}
        options["dest"] = {"type": "str"}
        options["extract"] = {"type": "bool", "default": False}
        options["allow_empty"] = {"type": "bool", "default": False}
        options["overwrite"] = {"type": "str", "choices": list(OVERWRITE), "default": "different"}
    return options


class XnatModule:
    """An Ansible module on one XNAT session: use it as a context manager, call one method.

    Whatever happens inside ends as one result: `exit_json` with what was done, or `fail_json` with one message.
    """

    def __init__(self, options: dict[str, Any], **more: Any) -> None:
        """Read and check the options; nothing is sent yet."""
        self.ansible = AnsibleModule(argument_spec=options, supports_check_mode=True, **more)
        self.params: dict[str, Any] = self.ansible.params
        self._session: session.Session | None = None
        self._outcome = Outcome()

    def __enter__(self) -> XnatModule:
        """Check that the library for requests is there."""
        if session.REQUESTS_ERROR is not None:
            self.ansible.fail_json(msg=missing_required_lib("requests"), exception=session.REQUESTS_ERROR)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Log out, then leave the module with a result."""
        if self._session is not None:
            self._session.close()
        for warning in self._outcome.warnings:
            self.ansible.warn(warning)
        if error is None:
            self.ansible.exit_json(**self._result())
        if isinstance(error, XnatError):
            # What was done before it failed stays done: parents that were made, values that were set.
            changed = self._session is not None and self._session.wrote
            self.ansible.fail_json(msg=self._scrubbed(error.message), **{"changed": changed, **error.details})
        if isinstance(error, Exception):
            text = self._scrubbed("".join(traceback.format_exception(kind, error, trace)))
            self.ansible.fail_json(
                msg=f"A defect in this module ({type(error).__name__}: {self._scrubbed(str(error))}). "
                "Run again with -vvv and report what it shows.",
                exception=text,
            )

    def _scrubbed(self, text: str) -> str:
        return self._session.scrub(text) if self._session else text

    def _result(self) -> dict[str, Any]:
        outcome = self._outcome
        result: dict[str, Any] = {
            "changed": outcome.changed,
            "diff": {"before": _as_text(outcome.before), "after": _as_text(outcome.after)},
            "object": outcome.object,
            "created_parents": outcome.created_parents,
            "requests": self._session.request_count if self._session else 0,
        }
        if outcome.files is not None:
            result["files"] = outcome.files
        return result

    # -- what a module does -----------------------------------------------------------------------------------------

    def manage_object(self, kind: str) -> None:
        """Make the object as the options say, or make it not exist."""
        where = self._address(_KEY[kind])
        params = self.params
        if params["state"] == "absent":
            self._outcome = model.remove(self._connect(), where)
            return
        desired = Desired(
            options={name: params[name] for name in fields.ATTRIBUTES[kind]},
            fields=params["fields"],
            xsi_type=params.get("xsi_type"),
            accessibility=params.get("accessibility"),
            create_parents=params.get("create_parents", True),
        )
        self._outcome = model.ensure(self._connect(), where, desired)

    def manage_resource(self) -> None:
        """Make the resource as the options say, or make it not exist."""
        where = self._address(_RESOURCE_KEY)
        if self.params["state"] == "absent":
            self._outcome = resource.remove_resource(self._connect(), where)
        else:
            create = self.params["create_parents"]
            self._outcome = resource.ensure_resource(self._connect(), where, self._labels(), create_parents=create)

    def manage_files(self) -> None:
        """Make the resource hold the files, or make it not hold one."""
        where = self._address(_RESOURCE_KEY)
        params = self.params
        if params["state"] == "absent":
            if params["src"]:
                raise InputError("src: says what to send; with state: absent name the file in the resource with dest.")
            if params["extract"]:
                raise InputError("extract: says how to send; it does not go with state: absent.")
            name = check_file_name(params["dest"] or "")
            self._outcome = resource.remove_file(self._connect(), where, name)
        else:
            self._outcome = resource.upload(
                self._connect(),
                where,
                params["src"] or [],
                params["dest"],
                overwrite=params["overwrite"],
                labels=self._labels(),
                create_parents=params["create_parents"],
                allow_empty=params["allow_empty"],
                extract=params["extract"],
            )

    # -- from options -----------------------------------------------------------------------------------------------

    def _address(self, names: list[str]) -> Address:
        return Address(**{name: self.params[name] for name in names})

    def _labels(self) -> Labels:
        tags = tuple(tag.strip() for tag in self.params["tags"])
        if any("," in tag or not tag for tag in tags):
            raise InputError("tags: a tag may neither be empty nor hold a comma; give several as a list.")
        return Labels(self.params["format"], self.params["content"], tags)

    def _connect(self, pool: int = 1) -> session.Session:
        params = self.params
        url = params["url"]
        if not url:
            raise InputError("url: is not set. Give the address of the XNAT, or set XNAT_URL.")
        secret = user_info(url)
        # The URL is refused below; but Ansible would show it in what the module was called with.
        self.ansible.no_log_values.update(part for part in (secret, secret.partition(":")[2]) if part)
        if params["timeout"] < 1 or params["retries"] < 0:
            raise InputError("timeout: must be at least 1 second, and retries not negative.")
        server = Server(
            url=url,
            username=params["username"],
            password=params["password"],
            # A variable of the environment that is empty is as good as none.
            token=params["token"] or None,
            validate_certs=params["validate_certs"],
            ca_path=params["ca_path"] or None,
            timeout=params["timeout"],
            retries=params["retries"],
            pool=pool,
        )
        server = _with_netrc(server)
        if server.password:
            self.ansible.no_log_values.add(server.password)
        self._session = session.Session(server, check_mode=self.ansible.check_mode)
        return self._session


def _as_text(objects: dict[str, Any]) -> str:
    """Write {object: {name: value}} for a diff. As a dictionary, Ansible would sort it: the scan before its project."""
    lines = []
    for name, values in objects.items():
        lines.append(name)
        lines += [f"    {key}: {'' if value is None else value}" for key, value in values.items()]
    return "".join(f"{line}\n" for line in lines)


def _with_netrc(server: Server) -> Server:
    """Fill in user name and password from ~/.netrc where nothing else gives them."""
    if server.token or server.password:
        return server
    try:
        entry = netrc.netrc().authenticators(urlsplit(server.url).hostname or "")
    except FileNotFoundError:
        return server
    except (netrc.NetrcParseError, OSError) as error:
        reason = error.msg if isinstance(error, netrc.NetrcParseError) else error.strerror
        raise InputError(f"password: is not given, and {Path.home() / '.netrc'} cannot be read ({reason}).") from error
    if entry is None or (server.username and entry[0] != server.username):
        return server
    return replace(server, username=entry[0], password=entry[2])
