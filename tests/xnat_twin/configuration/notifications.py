"""What mail XNAT sends and by which server: texts by name, kept apart from the site's settings.

Reference: NotificationsPreferences. The long texts of mails are left out: nothing here sends any.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from xnat_twin.storage.database import Store
from xnat_twin.storage.store import Notification

DEFAULTS = {
    "copyAdminOnNotifications": "true",
    "copyAdminOnPageEmails": "true",
    "emailAllowNonuserSubscribers": "true",
    "emailPrefix": "XNAT",
    "helpContactInfo": "",
    "notifyAdminPipelineEmails": "true",
    "notifyAdminProjectAccessRequest": "true",
    "notifyAdminSessionTransfer": "true",
    "notifyAdminUserRegistration": "false",
    "smtpAuth": "false",
    "smtpEnabled": "true",
    "smtpHostname": "localhost",
    "smtpMailProperties": "",
    "smtpPassword": "",
    "smtpPort": "25",
    "smtpProtocol": "smtp",
    "smtpSslTrust": "",
    "smtpStartTls": "false",
    "smtpUsername": "",
    "userEmailForReportProblem": "false",
}
#: Who is told of what: lists of addresses that come back in an order of their own.
RECIPIENTS = tuple(f"emailRecipient{name}" for name in ("ErrorMessages", "IssueReports", "NewUserAlert", "Update"))


class Notifications:
    """The values of one site, in the database and in memory; one process owns them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guard = threading.Lock()
        with store.reading() as session:
            self._values: dict[str, str] = {row.name: row.value for row in session.query(Notification)}

    def initialise(self, given: Mapping[str, str], administrator: str) -> None:
        """Fill in what has never been set: from `given`, then from the defaults."""
        missing = {**DEFAULTS, **dict.fromkeys(RECIPIENTS, administrator), **given}
        self.set({name: value for name, value in missing.items() if name not in self._values})

    def all(self) -> dict[str, str]:
        return dict(self._values)

    def set(self, values: Mapping[str, str]) -> None:
        """Store texts, also under names that nobody knows."""
        texts = {name: _sorted(text) if name in RECIPIENTS else text for name, text in values.items()}
        with self._guard, self._store.writing() as session:
            for name, text in texts.items():
                session.merge(Notification(name=name, value=text))
            self._values = {**self._values, **texts}


def _sorted(text: str) -> str:
    """XNAT keeps a set of subscribers. Its order is nobody's; here it is the alphabet backwards."""
    return ", ".join(sorted({part.strip() for part in text.split(",") if part.strip()}, reverse=True))
