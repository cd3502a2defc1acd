"""Python packages that only some of the work needs. They are loaded when that work begins, not before.

A module that sends one file starts fast and runs without any of them.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from .errors import InputError

# What is imported -> what is installed, where the two differ.
_DISTRIBUTIONS = {"PIL": "pillow", "yaml": "PyYAML"}


def distribution(package: str) -> str:
    """What pip calls a package."""
    return _DISTRIBUTIONS.get(package, package)


def load(name: str, purpose: str) -> Any:
    """Import a package or one of its parts (`PIL.Image`). Raises InputError that says how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise InputError(
            f"The Python package {distribution(package)} is missing for {sys.executable}; it is needed for {purpose}. "
            f"Install it on that machine: {sys.executable} -m pip install {distribution(package)}"
        ) from error
