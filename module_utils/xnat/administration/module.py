"""The Ansible glue of the modules that administer a site: their options, and the one call of each."""

from __future__ import annotations

from typing import Any

from ..module import CONNECTION, XnatModule
from ..session import Session
from . import accounts, biobank_token, compare, info, legacy_settings, receivers, settings


def settings_options() -> dict[str, Any]:
    """Return the argument spec of xnat_site_config."""
    return {
        **CONNECTION,
        "settings": {"type": "dict", "default": {}},
        "notifications": {"type": "dict", "default": {}},
        "allow_unknown": {"type": "bool", "default": False},
    }


def legacy_settings_options() -> dict[str, Any]:
    """Return the argument spec of xnat_legacy_settings."""
    return {
        **CONNECTION,
        "settings": {"type": "dict", "default": {}},
        "initialize": {"type": "bool", "default": False},
        "allow_unknown": {"type": "bool", "default": False},
    }


def user_options() -> dict[str, Any]:
    """Return the argument spec of xnat_user."""
    return {
        **CONNECTION,
        "name": {"type": "str", "required": True},
        "first_name": {"type": "str"},
        "last_name": {"type": "str"},
        "email": {"type": "str"},
        "user_password": {"type": "str", "no_log": True},
        "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
        "enabled": {"type": "bool"},
        "verified": {"type": "bool"},
        "roles": {"type": "list", "elements": "str"},
        "groups": {"type": "list", "elements": "str"},
        "append": {"type": "bool", "default": True},
    }


def receiver_options() -> dict[str, Any]:
    """Return the argument spec of xnat_dicom_receiver."""
    kinds = {"identifier": "str", "file_namer": "str", "whitelist": "list"}
    options: dict[str, Any] = {
        **CONNECTION,
        "ae_title": {"type": "str", "required": True},
        "port": {"type": "int", "default": 8104},
        "exclusive": {"type": "bool", "default": False},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    for name in receivers.NAMES:
        kind = "str" if name.endswith("_expression") else kinds.get(name, "bool")
        options[name] = {"type": kind, **({"elements": "str"} if kind == "list" else {})}
    return options


def biobank_token_options() -> dict[str, Any]:
    """Return the argument spec of xnat_biobank_token."""
    return {
        **CONNECTION,
        "project": {"type": "str", "required": True},
        "project_token": {"type": "str", "no_log": True},
        "record": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }


def info_options() -> dict[str, Any]:
    """Return the argument spec of xnat_info."""
    return {**CONNECTION, "need_login": {"type": "bool", "default": True}}


class AdministrationModule(XnatModule):
    """A module that administers a site: use it as a context manager, call one method."""

    def manage_settings(self) -> None:
        """Make the site's settings as the options say."""
        params = self.params
        for values in (params["settings"], params["notifications"]):
            self._hide(value for name, value in values.items() if compare.is_secret(name))
        session = self._enter_site()
        outcome = settings.ensure(
            session, params["settings"], params["notifications"], allow_unknown=params["allow_unknown"]
        )
        self._outcome = outcome

    def manage_legacy_settings(self) -> None:
        """Make the settings of a site of 1.6 as the options say."""
        params = self.params
        self._hide(value for name, value in params["settings"].items() if compare.is_secret(name))
        self._outcome = legacy_settings.ensure(
            self._connect(),
            params["settings"],
            initialize=params["initialize"],
            allow_near=params["allow_unknown"],
        )

    def manage_user(self) -> None:
        """Make the account as the options say."""
        params = self.params
        desired = accounts.Desired(
            values={name: params[name] for name in ("first_name", "last_name", "email", "enabled", "verified")},
            password=params["user_password"],
            update_password=params["update_password"] != "on_create",  # noqa: S105 (no password)
            roles=params["roles"],
            groups=params["groups"],
            append=params["append"],
        )
        self._outcome = accounts.ensure(self._connect(), params["name"], desired)

    def manage_receiver(self) -> None:
        """Make the DICOM receiver as the options say, or make it not exist."""
        params = self.params
        self._outcome = receivers.ensure(
            self._connect(),
            params["ae_title"],
            params["port"],
            {name: params[name] for name in receivers.NAMES},
            present=params["state"] == "present",
            exclusive=params["exclusive"],
        )

    def manage_biobank_token(self) -> None:
        """Give the project the token, or take it away."""
        params = self.params
        self._outcome = biobank_token.ensure(
            self._connect(),
            params["project"],
            params["project_token"] or "",
            params["record"],
            present=params["state"] == "present",
        )

    def look_at_site(self) -> None:
        """Tell what there is to know, and change nothing."""
        session = self._enter_site()
        self._outcome.object = info.gather(session, need_login=self.params["need_login"])

    def _enter_site(self) -> Session:
        """A session that also gets into a site that was never set up."""
        session = self._connect()
        session.unconfigured = True
        return session

    def _hide(self, values: Any) -> None:
        """Ansible shows what a module was called with; these values are not to be seen there, nor anywhere else."""
        self.ansible.no_log_values.update(str(value) for value in values if value)
