"""Serves a site over HTTP with cheroot, on a thread of this process."""

from __future__ import annotations

import logging
import threading
from types import TracebackType

from cheroot.wsgi import Server as CherootServer

from xnat_twin.app import create_app
from xnat_twin.connection import Connection, Gateway
from xnat_twin.site import Site

_log = logging.getLogger("xnat_twin")


class _Cheroot(CherootServer):
    """Cheroot with quicker connections, that writes its errors to this program's log."""

    ConnectionClass = Connection
    keep_alive_conn_limit = 1000  # beyond it answers end with "Connection: close"; cheroot's own limit is 10
    max_request_header_size = 64 * 1024  # bytes of the request line and all headers together

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        _log.log(level, msg, exc_info=traceback)


class Server:
    """One listening server. Use it as a context manager, or `start` and `stop` it; `url` has no trailing slash."""

    def __init__(self, site: Site, host: str = "127.0.0.1", port: int = 0, threads: int = 20) -> None:
        self._site = site
        self._cheroot = _Cheroot((host, port), create_app(site), numthreads=threads, server_name="xnat_twin")
        self._cheroot.gateway = Gateway
        self._cheroot.timeout = 600  # seconds that a slow client may take between two bytes
        self._thread = threading.Thread(target=self._cheroot.serve, name="xnat_twin", daemon=True)

    @property
    def url(self) -> str:
        host, port = self._cheroot.bind_addr[:2]
        return f"http://{host}:{port}"

    def start(self) -> None:
        """Bind the port (OSError if it is taken) and serve."""
        self._cheroot.prepare()
        self._thread.start()

    def stop(self) -> None:
        """Finish the requests in progress, then close the site."""
        self._cheroot.stop()
        self._thread.join()
        self._site.close()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
