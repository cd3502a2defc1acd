#!/usr/bin/python
"""Keep a private key on the host it belongs to, and ask for a certificate of it.

The key is made here and never leaves: what goes to the authority is the request. Signing is not this module's work.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: certificate_request
short_description: A private key on this host, and a request for its certificate
description:
  - Makes an RSA key by openssl when there is none that openssl can read; a key that is there stays.
  - Returns the request and the present certificate, both public, and whether that is about to end.
  - In check mode a key that is not there yet counts as one that would be made, and there is no request.
options:
  path: {description: "The key, a PEM file; its folder must be there.", type: path, required: true}
  certificate: {description: Where its certificate is or will be., type: path}
  generate: {description: Make the key. V(false) fails when there is none., type: bool, default: true}
  bits: {description: Length of a new key., type: int, default: 3072}
  pkcs8: {description: "Keep it also as PKCS#8 in DER, which JDBC reads, as C(.pk8).", type: bool, default: false}
  common_name: {description: Name of the holder; without one there is no request., type: str}
  names: {description: DNS names and IP addresses., type: list, elements: str, default: []}
  usage: {description: What for., type: list, elements: str, choices: [server, client], default: [server]}
  renew_days: {description: A certificate that ends within so many days is to be renewed., type: int, default: 90}
extends_documentation_fragment: [files]
author: DPUK node project
"""

EXAMPLES = r"""
- name: Ask for a certificate
  certificate_request:
    path: /etc/dpuk/postgresql/server.key
    certificate: /etc/dpuk/postgresql/server.crt
    common_name: db
    names: [db.example.ac.uk, 192.0.2.11]
    group: postgres
    mode: "0640"
"""

RETURN = r"""
request: {description: The request in PEM; empty in check mode without a key., type: str, returned: always}
certificate: {description: The present certificate in PEM; empty when there is none., type: str, returned: always}
renew: {description: Whether the present certificate is about to end., type: bool, returned: always}
"""

COMMON_NAME = re.compile(r"[A-Za-z0-9_.@ -]{1,64}")
DNS_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*")
PURPOSES = {"server": "serverAuth", "client": "clientAuth"}


class NameRefusedError(ValueError):
    """A name that cannot stand in a certificate."""


def sorted_names(names: list[str]) -> tuple[list[str], list[str]]:
    """DNS names and IP addresses, each once, in the order given. Raises NameRefusedError."""
    hosts: dict[str, None] = {}
    addresses: dict[str, None] = {}
    for name in names:
        try:
            addresses[str(ipaddress.ip_address(name.strip("[]")))] = None
        except ValueError:
            if not DNS_NAME.fullmatch(name):
                raise NameRefusedError(f"{name!r} is neither a DNS name nor an IP address") from None
            hosts[name.lower()] = None
    return list(hosts), list(addresses)


def request_settings(common_name: str, names: list[str], usage: list[str]) -> str:
    """The request in openssl's own words; nothing of the host's openssl.cnf has a part in it."""
    if not COMMON_NAME.fullmatch(common_name):
        raise NameRefusedError(f"{common_name!r} takes 1 to 64 letters, digits, blanks and any of _ . @ -")
    hosts, addresses = sorted_names(names)
    lines = ["[req]", "prompt = no", "string_mask = utf8only", "distinguished_name = holder", "req_extensions = wanted"]
    lines += ["[holder]", f"CN = {common_name}", "[wanted]", "basicConstraints = critical,CA:FALSE"]
    lines += ["keyUsage = critical,digitalSignature,keyEncipherment"]
    lines += ["extendedKeyUsage = " + ",".join(PURPOSES[use] for use in sorted(set(usage), reverse=True))]
    if hosts or addresses:
        lines += ["subjectAltName = @names", "[names]"]
        lines += [f"DNS.{number} = {name}" for number, name in enumerate(hosts)]
        lines += [f"IP.{number} = {name}" for number, name in enumerate(addresses)]
    return "\n".join(lines) + "\n"


class Keeper:
    """What the module does on the host, one method each."""

    def __init__(self, module: AnsibleModule) -> None:
        """Remember the options."""
        self.module = module
        self.options: dict[str, Any] = module.params
        self.key = Path(module.params["path"])
        self.changed = False
        self.did: list[str] = []

    def openssl(self, *words: str, data: str | None = None) -> tuple[int, bytes, str]:
        """Run openssl; it must never ask for a passphrase."""
        code, out, err = self.module.run_command(["openssl", *words], data=data, encoding=None)
        return code, out, err.decode(errors="replace").strip()

    def insist(self, *words: str, data: str | None = None) -> bytes:
        """The same where only success will do."""
        code, out, err = self.openssl(*words, data=data)
        if code != 0:
            last = err.splitlines()[-1] if err else "no message"
            self.module.fail_json(msg=f"openssl {words[0]} for {self.key} answered {code}: {last}")
        return out

    def readable(self) -> bool:
        """Whether openssl can use the key without a passphrase."""
        return self.key.is_file() and self.openssl("pkey", "-in", str(self.key), "-noout", "-passin", "pass:")[0] == 0

    def place(self, path: Path, content: bytes) -> None:
        """Write a whole file with its owner and mode, or none."""
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self.rights(draft)
        draft.replace(path)

    def rights(self, path: Path) -> bool:
        """Owner and mode as asked for; whether they were not."""
        wanted = self.module.load_file_common_arguments(self.options, path=str(path))
        return bool(self.module.set_fs_attributes_if_different(wanted, False))

    def note(self, what: str) -> None:
        """Something changed, or would."""
        self.changed = True
        self.did.append(what)

    def keep(self, path: Path, content: bytes | None, what: str) -> None:
        """Have a file with this content (None: whatever it has) and the rights asked for."""
        if content is not None and not (path.is_file() and path.read_bytes() == content):
            self.note(what)
            if not self.module.check_mode:
                self.place(path, content)
        elif self.rights(path):
            self.note(f"rights of {path}")

    def run(self) -> dict[str, Any]:
        """Key, its second form, request."""
        there = self.readable()
        if not there and not self.options["generate"]:
            self.module.fail_json(msg=f"{self.key} is no private key that openssl can read without a passphrase")
        if there or not self.module.check_mode:
            bits = f"rsa_keygen_bits:{self.options['bits']}"
            new = None if there else self.insist("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", bits)
            self.keep(self.key, new, f"new key {self.key}")
            if self.options["pkcs8"]:
                der = self.insist("pkcs8", "-topk8", "-nocrypt", "-in", str(self.key), "-outform", "DER")
                self.keep(self.key.with_suffix(".pk8"), der, f"PKCS#8 form {self.key.with_suffix('.pk8')}")
        else:
            self.note(f"new key {self.key}")
        return {"request": self.request(there), **self.present()}

    def request(self, there: bool) -> str:
        """The request in PEM."""
        name = self.options["common_name"]
        if name is None:
            return ""
        settings = request_settings(name, self.options["names"], self.options["usage"])
        if self.module.check_mode and not there:
            return ""
        words = ["req", "-new", "-utf8", "-sha256", "-key", str(self.key), "-config", "/dev/stdin"]
        return self.insist(*words, data=settings).decode()

    def present(self) -> dict[str, Any]:
        """The certificate that is there, and whether it is about to end; a damaged one counts as none."""
        path = self.options["certificate"]
        if not path or not Path(path).is_file() or self.openssl("x509", "-in", path, "-noout")[0] != 0:
            return {"certificate": "", "renew": False}
        seconds = str(self.options["renew_days"] * 86400)
        ends = self.openssl("x509", "-in", path, "-noout", "-checkend", seconds)[0] != 0
        return {"certificate": Path(path).read_text(encoding="ascii", errors="replace"), "renew": ends}


def main() -> None:
    """Compare, act, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "certificate": {"type": "path"},
            "generate": {"type": "bool", "default": True},
            "bits": {"type": "int", "default": 3072},
            "pkcs8": {"type": "bool", "default": False},
            "common_name": {"type": "str"},
            "names": {"type": "list", "elements": "str", "default": []},
            "usage": {"type": "list", "elements": "str", "choices": ["server", "client"], "default": ["server"]},
            "renew_days": {"type": "int", "default": 90},
        },
        add_file_common_args=True,
        supports_check_mode=True,
    )
    keeper = Keeper(module)
    try:
        result = keeper.run()
    except NameRefusedError as error:
        module.fail_json(msg=f"The certificate of {keeper.key}: {error}")
    except OSError as error:
        module.fail_json(msg=f"{error.filename or keeper.key}: {error.strerror}")
    after = "".join(f"{line}\n" for line in keeper.did)
    module.exit_json(changed=keeper.changed, diff={"before": "", "after": after}, **result)


if __name__ == "__main__":
    main()
