"""Ansible filter for secrets: which are missing, weak, or used twice. Its answers never contain a secret.

Pure. It judges what a person has typed; a password of random letters passes all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

# Words that people and installers begin with. Numbers and signs around them are what attackers try first.
COMMON = """
    abc123 access admin administrator changeit changeme database default demo dpuk dragon example football guest hello
    iloveyou imaging letmein login master monkey mri node passphrase passwort password passwd postgres postgresql
    qwerty qwertz research root sample scanner secret server shadow sunshine superman system temp test tomcat trustno
    university user vault welcome xnat
""".split()  # noqa: SIM905 - a list of words is read as words
AS_LETTERS = str.maketrans("013457@$!", "oieastasi")
KEYBOARD = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm")
DISTINCT = 5  # different characters in a password that is no pattern
REST = 8  # letters and digits that must be left when the words are taken out
WORD = 3  # letters of a name that is worth looking for
MAKE_ONE = "Make one: openssl rand -base64 24"


def secret_problems(
    secrets: Mapping[str, Any],
    required: Sequence[str] = (),
    given: Sequence[str] = (),
    names: Iterable[Any] = (),
    minimum: int = 12,
) -> list[str]:
    """What is wrong with the secrets (variable → value), one line each.

    `required` must be there. Those in `given` were chosen by somebody else and are judged by nothing but being there.
    `names` are words that nobody may use as a password: of the site, its hosts and accounts.
    """
    values = {name: "" if value is None else str(value) for name, value in secrets.items()}
    missing = [name for name in sorted({*values, *required}) if not values.get(name)]
    problems = [f"{name} is missing or empty. {MAKE_ONE}; then put it into your vault.yml" for name in missing]
    own = {name: value for name, value in values.items() if value and name not in given}
    words = sorted({*COMMON, *_words(names)}, key=len, reverse=True)
    for name, value in sorted(own.items()):
        why = weakness(value, words, minimum)
        if why:
            problems.append(
                f"{name} is too weak: {why}. {MAKE_ONE}; or list it in credentials_given, if others chose it"
            )
    return problems + _repeated(own)


def _words(names: Iterable[Any]) -> set[str]:
    parts = (part for name in names for part in [str(name), *re.split(r"[^a-zA-Z0-9]+", str(name))])
    return {part.lower() for part in parts if len(part) >= WORD and not part.isdigit()}


def weakness(secret: str, words: Sequence[str], minimum: int) -> str:
    """Why a secret is easy to guess; empty when it is not."""
    if len(secret) < minimum:
        return f"it has {len(secret)} characters, and {minimum} are needed"
    lower = secret.lower()
    if len(set(lower)) < DISTINCT or lower in (lower + lower)[1:-1]:
        return "it is a short pattern, repeated"
    if _is_row(lower):
        return "it is a row of neighbouring letters or digits"
    for spelt in (lower, lower.translate(AS_LETTERS)):
        rest = spelt
        for word in words:
            rest = rest.replace(word, "")
        if rest != spelt and len(re.sub(r"[^a-z0-9]", "", rest)) < REST:
            return "it is a common word, or a name of this site, with a little added"
    return ""


def _is_row(text: str) -> bool:
    """Whether nearly all steps from one character to the next are those of an alphabet or a keyboard."""
    neighbours = {pair for row in KEYBOARD for line in (row, row[::-1]) for pair in pairwise(line)}
    steps = list(pairwise(text))
    return sum(step in neighbours or step[0] == step[1] for step in steps) >= 0.8 * len(steps)


def _repeated(values: Mapping[str, str]) -> list[str]:
    by_value: dict[str, list[str]] = {}
    for name, value in sorted(values.items()):
        by_value.setdefault(value, []).append(name)
    return [
        f"{' and '.join(names)} are the same: who learns one has all. {MAKE_ONE}"
        for names in by_value.values()
        if len(names) > 1
    ]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """The filter by its name."""
        return {"secret_problems": secret_problems}
