#!/usr/bin/python
"""Gather certificates of authorities in one file that Java reads as its truststore.

The file is written by hand, in Java's own old format: keytool would take half a second for each of the system's 150
certificates and give other bytes each time. It holds public certificates only, no keys, so its checksum is by the
password that everybody knows (changeit) and protects against accidents alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: java_truststore
short_description: A truststore for Java made of PEM files
description:
  - The same certificates always give the same bytes, so a second run changes nothing.
options:
  src: {description: PEM files; each may hold several certificates., type: list, elements: path, required: true}
  dest: {description: Where the truststore goes., type: path, required: true}
extends_documentation_fragment: files
author: DPUK node project
"""

EXAMPLES = r"""
- name: Let Java trust the hospital's authority
  java_truststore:
    src: [/etc/ssl/certs/ca-certificates.crt, /etc/hospital-ca.pem]
    dest: /data/xnat/home/config/truststore.jks
    mode: "0640"
"""

RETURN = r"""
certificates: {description: How many it holds., type: int, returned: success}
"""

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_MAGIC, _VERSION, _CERTIFICATE = 0xFEEDFEED, 2, 2


def certificates_of(text: str) -> list[bytes]:
    """Each certificate of a PEM file in binary form. Raises ValueError for what is not one."""
    found = []
    for body in _PEM.findall(text):
        try:
            found.append(base64.b64decode("".join(body.split()), validate=True))
        except binascii.Error as error:
            raise ValueError(str(error)) from error
    return found


def keystore(certificates: list[bytes]) -> bytes:
    """The file's bytes: each certificate once, under its digest, sorted, with the oldest time there is."""

    def text(words: str) -> bytes:
        encoded = words.encode()
        return struct.pack(">H", len(encoded)) + encoded

    entries = {hashlib.sha256(certificate).hexdigest(): certificate for certificate in certificates}
    content = struct.pack(">III", _MAGIC, _VERSION, len(entries))
    for alias, certificate in sorted(entries.items()):
        content += struct.pack(">I", _CERTIFICATE) + text(alias) + struct.pack(">Q", 0)
        content += text("X.509") + struct.pack(">I", len(certificate)) + certificate
    # What Java calls its integrity check; the words are part of the format.
    seal = hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + content, usedforsecurity=False)
    return content + seal.digest()


def main() -> None:
    """Read, compare, write, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "list", "elements": "path", "required": True},
            "dest": {"type": "path", "required": True},
        },
        add_file_common_args=True,
        supports_check_mode=True,
    )
    dest = Path(module.params["dest"])
    certificates: list[bytes] = []
    for name in module.params["src"]:
        path = Path(name)
        if not path.exists() and module.check_mode:
            continue  # it is still to come
        try:
            found = certificates_of(path.read_text(encoding="utf-8", errors="replace"))
        except (OSError, ValueError) as error:
            module.fail_json(msg=f"{name} cannot be read as certificates in PEM form: {error}")
        if not found:
            module.fail_json(msg=f"{name} holds no certificate in PEM form")
        certificates += found
    content = keystore(certificates)
    changed = not dest.exists() or dest.read_bytes() != content
    if changed and not module.check_mode:
        draft = Path(module.tmpdir) / "truststore.jks"
        draft.write_bytes(content)
        module.atomic_move(str(draft), str(dest))
    if dest.exists():
        arguments = module.load_file_common_arguments(module.params)
        changed = module.set_fs_attributes_if_different(arguments, changed)
    module.exit_json(changed=changed, certificates=len(set(certificates)))


if __name__ == "__main__":
    main()
