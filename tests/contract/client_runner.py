"""Opens other people's Python clients on a server: XNATpy and pyxnat as their documentation says.

They are imported by name: mypy takes `xnat` for `module_utils/xnat`, whose name XNATpy shares.
"""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass, field
from typing import Any

from xnat_twin.testing import XnatServer

xnatpy_client: Any = importlib.import_module("xnat")
pyxnat_client: Any = importlib.import_module("pyxnat")


class Warnings(logging.Handler):
    """Remembers what a client warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@dataclass
class Clients:
    """Opens the clients on one server; what they warn of while they connect is in `warnings`."""

    server: XnatServer
    warnings: list[str] = field(default_factory=list)

    def xnatpy(self, user: str | None = None, password: str | None = None, **options: Any) -> Any:
        logger = logging.Logger("xnatpy")
        handler = Warnings()
        logger.addHandler(handler)
        self.warnings = handler.messages
        return xnatpy_client.connect(
            self.server.url, user or self.server.admin, password or self.server.password, logger=logger, **options
        )

    def pyxnat(self, user: str | None = None, password: str | None = None) -> Any:
        return pyxnat_client.Interface(
            self.server.url,
            user or self.server.admin,
            password or self.server.password,
            verify=self.server.ca_path,
        )
