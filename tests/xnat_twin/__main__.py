"""Command line: `python -m xnat_twin --port N --data DIR`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from xnat_twin.configuration.database_tls import HomeError
from xnat_twin.configuration.deployed import read_deployed
from xnat_twin.configuration.xnat_home import read_home
from xnat_twin.datatypes.definitions import SchemaError
from xnat_twin.datatypes.modules import MODULES
from xnat_twin.faults import Fault, FaultError
from xnat_twin.flavour import DEFAULT_FLAVOUR, FLAVOURS
from xnat_twin.server import Server
from xnat_twin.site import Site
from xnat_twin.storage.database import OlderDatabaseError


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status: 0 stopped, 1 could not start."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.deployed and not options.xnat_home:
        parser.error("--deployed needs --xnat-home, where logs and work are")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        deployed, home = None, None
        if options.deployed:
            deployed, home = read_deployed(options.deployed, options.xnat_home)
        elif options.xnat_home:
            home = read_home(options.xnat_home)
        data = options.data or (options.xnat_home / "work" / "practice")
        site = Site.open(
            data,
            database=options.database,
            admin_password=options.admin_password or os.environ.get("XNAT_TWIN_ADMIN_PASSWORD"),
            home=home,
            deployed=deployed,
            flavour=FLAVOURS[options.flavour],
            version=options.xnat_version,
            modules=options.module,
            schemas=options.schema,
            quota=options.quota,
            allow_faults=options.allow_faults,
        )
        site.faults.add(*options.fault)
        server = Server(site, options.host, options.port)
        server.start()
    except (HomeError, OlderDatabaseError, OSError, SchemaError, SQLAlchemyError) as error:
        print(f"xnat_twin: cannot start: {_first_line(error)}", file=sys.stderr)
        return 1
    print(f"Practice XNAT {site.version} at {server.url}, archive {site.archive.root}", flush=True)
    if options.stop_at_end_of_input:
        threading.Thread(target=_stop_at_end_of_input, args=(stopped,), daemon=True).start()
    stopped.wait()
    server.stop()
    return 0


_FAULT_HELP = "fail on purpose, e.g. status=503,retry_after=2,method=PUT,path=/files/,times=3 (README.md); repeatable"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="xnat_twin", description="The practice XNAT.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--data", type=Path, help="folder for database and archive")
    parser.add_argument("--database", metavar="URL", help="SQLAlchemy URL; default: SQLite in the data folder")
    parser.add_argument("--admin-password", help="for the first start; better in XNAT_TWIN_ADMIN_PASSWORD")
    parser.add_argument("--xnat-home", type=Path, help="read xnat-conf.properties and prefs-init.ini from its config/")
    parser.add_argument("--deployed", type=Path, help="be the application that a builder of 1.6 has put there")
    parser.add_argument("--flavour", choices=FLAVOURS, default=DEFAULT_FLAVOUR.name, help="behave as this version")
    parser.add_argument("--xnat-version", metavar="VERSION", help="the version to claim; default: the flavour's")
    parser.add_argument("--module", action="append", default=[], choices=MODULES, help="install it; repeatable")
    parser.add_argument("--schema", action="append", default=[], type=Path, metavar="FILE", help="XSD; repeatable")
    parser.add_argument("--quota", type=int, metavar="BYTES", help="behave as a disk that is full beyond this")
    parser.add_argument("--fault", metavar="SPEC", type=_fault, action="append", default=[], help=_FAULT_HELP)
    parser.add_argument("--allow-faults", action="store_true", help="let administrators set faults at /practice/faults")
    parser.add_argument("--stop-at-end-of-input", action="store_true", help="stop when whoever started this is gone")
    return parser


def _fault(spec: str) -> Fault:
    try:
        return Fault.from_spec(spec)
    except FaultError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _stop_at_end_of_input(stopped: threading.Event) -> None:
    while sys.stdin.buffer.read(1):
        pass
    stopped.set()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
