"""What bin/StoreXML does: documents of accounts, of rights on data types, and of groups of fields.

    StoreXML (-l FILE | -dir FOLDER) [-u NAME -p PASSWORD] -allowDataDeletion true

An object that is there already is replaced. Of accounts and rights only what the practice XNAT looks at is kept.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from sqlalchemy import delete, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from xnat_twin.access.auth import check_password
from xnat_twin.configuration.database_tls import HomeError
from xnat_twin.storage.store import ElementSecurity, PrimarySecurityField, User

from standin import databases

SECURITY, XNAT = "{http://nrg.wustl.edu/security}", "{http://nrg.wustl.edu/xnat}"


class StoreError(Exception):
    """Why a document was not stored."""


def store(session: Session, path: Path) -> None:
    """One document, by the name of its root."""
    try:
        root = ET.parse(path).getroot()  # noqa: S314 (files of whoever runs it)
    except ET.ParseError as error:
        raise StoreError(f"{path}: org.xml.sax.SAXParseException: {error}") from error
    if root.tag == f"{SECURITY}security":
        for node in root.iter(f"{SECURITY}user"):
            store_user(session, node)
        for node in root.iter(f"{SECURITY}element_security"):
            store_element(session, node)
    elif root.tag == f"{SECURITY}element_security":
        store_element(session, root)
    elif root.tag == f"{XNAT}fieldDefinitionGroup":
        values = {"id": root.get("ID"), "document": path.read_text()}
        session.execute(text("DELETE FROM xnat_fielddefinitiongroup WHERE id = :id"), {"id": values["id"]})
        session.execute(text("INSERT INTO xnat_fielddefinitiongroup (id, document) VALUES (:id, :document)"), values)
    else:
        raise StoreError(f"{path}: org.nrg.xft.exception.ElementNotFoundException: {root.tag}")


def store_user(session: Session, node: ET.Element) -> None:
    """An account; its password is in the document as it is, and in the database as its SHA-256."""
    login, password = node.findtext(f"{SECURITY}login"), node.findtext(f"{SECURITY}primary_password") or ""
    user = session.scalar(select(User).where(User.login == login)) or User(login=login)
    user.password = hashlib.sha256(password.encode()).hexdigest() if password else ""
    user.salt, user.email = None, node.findtext(f"{SECURITY}email") or ""
    user.first_name, user.last_name = (node.findtext(f"{SECURITY}{name}") or "" for name in ("firstname", "lastname"))
    user.admin = any(role.get("role_name") == "Administrator" for role in node.iter(f"{SECURITY}role_type"))
    session.add(user)


def store_element(session: Session, node: ET.Element) -> None:
    """Rights on a data type. All about it are attributes; each field that rights are judged by is an element's text.

    Reference: generated code of xdat:element_security and xdat:primary_security_field (XdatPrimarySecurityFieldBean).
    """
    name = node.get("element_name")
    fields = [(field.text or "").strip() for field in node.iter(f"{SECURITY}primary_security_field")]
    if not name or "" in fields:
        raise StoreError(
            "Required Field: xdat:element_security/element_name, and a text in each primary_security_field"
        )
    session.execute(delete(PrimarySecurityField).where(PrimarySecurityField.element_name == name))
    words = {word: node.get(word) or "" for word in ("singular", "plural", "code")}
    session.merge(ElementSecurity(element_name=name, secure=int(node.get("secure") in ("1", "true")), **words))
    session.add_all(PrimarySecurityField(field=field, element_name=name) for field in fields)


def main(arguments: Sequence[str]) -> None:
    """Carry out one command line."""
    parser = argparse.ArgumentParser(prog="StoreXML")
    parser.add_argument("-l", "-location", dest="file", type=Path)
    parser.add_argument("-dir", dest="folder", type=Path)
    parser.add_argument("-u", dest="name")
    parser.add_argument("-p", dest="password")
    parser.add_argument("-allowDataDeletion", choices=["true", "false"], default="false")
    options = parser.parse_args(arguments)
    files = [options.file] if options.file else sorted(options.folder.rglob("*.xml")) if options.folder else []
    if not files:
        raise StoreError("no file to store")
    engine = databases.connect(Path("InstanceSettings.xml"))
    try:
        with Session(engine) as session, session.begin():
            if options.name:
                user = session.scalar(select(User).where(User.login == options.name))
                if user is None or not check_password(options.password or "", user.password, user.salt):
                    raise StoreError("org.nrg.xdat.security.exceptions.FailedLoginException: Invalid password")
            for path in files:
                store(session, path)
                session.flush()
                print(f"Item Successfully Stored: {path}")
    finally:
        engine.dispose()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (StoreError, databases.DatabaseError, HomeError, SQLAlchemyError, OSError) as error:
        print(f"Error: {error}")
        sys.exit(1)
