"""The options that all modules of XNAT's database share, as documentation."""

from __future__ import annotations


class ModuleDocFragment:
    """What Ansible looks for."""

    DOCUMENTATION = r"""
options:
  host: {description: Name of the database's host., type: str, required: true}
  port: {description: Its port., type: int, default: 5432}
  database: {description: Name of the database., type: str, required: true}
  user: {description: User of the database., type: str, required: true}
  database_password: {description: Its password., type: str, required: true}
  sslmode: {description: As libpq has it., type: str, default: verify-full}
  tls:
    description: Folder with C(ca.crt), and C(database.crt) and C(database.key) where the server wants them.
    type: path
    default: ""
  account: {description: The account of this host that runs psql and the builder., type: str, required: true}
  timeout: {description: Seconds., type: int, default: 3600}
"""
