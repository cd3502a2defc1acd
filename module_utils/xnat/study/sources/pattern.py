r"""Any folder whose paths say what the files are: by a template, or by a regular expression.

`{subject}/{session}/{scan}-{scan_type}/*.nii.gz` is a template: a name in braces stands for a part of a path or a piece
of one (the first of two in one part is as short as it can be), `*`, `?` and `**` are as in a pattern of the shell, and
what follows a `/` at the end is any depth. A regular expression names its groups: `(?P<subject>S\d+)/.*`.
Names are those of the columns of a manifest; others may be used in `defaults`. Sends nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ... import local
from ...errors import InputError, refuse
from ...plan import shortened
from ..study import Study
from .columns import COLUMNS, Builder, check_defaults, filled, names_in, targets

_TOKEN = re.compile(r"\{(\w*)\}|\*\*/|\*\*|\*|\?|/|[^{}*?/]+|.", re.DOTALL)
_NO_LABEL = {"subject": r"[^A-Za-z0-9_-]", "session": r"[^A-Za-z0-9_-]", "scan": r"[^A-Za-z0-9_-]"}
_NO_LABEL["resource"] = r"[^A-Za-z0-9_.-]"
_REMARKS = 20  # beyond so many, files that do not match are counted by folder


def read(
    root: Path,
    project: str | None,
    template: str | None = None,
    regex: str | None = None,
    *,
    defaults: Mapping[str, object] | None = None,
    clean_labels: bool = False,
    allow_empty: bool = False,
) -> Study:
    """Return the study that the paths below `root` describe; give `template` or `regex`.

    `defaults` say what a path does not, as templates over the names in it (`session: "{subject}_MR1"`). A label that
    XNAT cannot keep is refused, or with `clean_labels` kept with `_` for each character that it may not have. Files
    that do not match are remarks of the study.
    """
    if (template is None) == (regex is None):
        raise InputError("pattern, regex: give one of the two, which says what the paths mean.")
    wanted, option = (template, "pattern") if regex is None else (regex, "regex")
    matcher = _compiled(template) if template is not None else _checked(str(regex))
    given = check_defaults(defaults or {}, matcher.groupindex)
    targets(given, "defaults")
    try:
        columns = targets(_meant(matcher.groupindex, given), option)
    except InputError as error:
        raise InputError(f"{error.message} What means nothing is * in a pattern.") from error
    if not root.is_dir():
        raise InputError(f"root: {root} is not a folder.")

    builder = Builder(project, columns)
    labels = _Labels(clean_labels)
    others, problems, matched = [], [], False
    for path, below in _files(root):
        match = matcher.fullmatch(below)
        if match is None:
            others.append(below)
            continue
        matched = True
        try:
            captured = {name: text for name, text in match.groupdict().items() if text}
            values = labels.checked(filled(captured, given))
            files = local.collect([path], values.get("name"), allow_empty=allow_empty)
            builder.add(values, files, assumed=set(values) - set(captured))
        except InputError as error:
            problems.append(f"{below}: {error.message.removeprefix('src: ')}")
    if not matched:
        seen = f"The first paths are {shortened(others[:3])}." if others else "It holds no files."
        raise InputError(
            f"{option}: no file below {root} matches {wanted!r}, which is compared with the whole path. {seen}"
        )
    refuse(f"{option}: files below {root} match {wanted!r} and cannot be used", problems)
    _remark(builder.study, others)
    return builder.finish()


def _files(root: Path) -> Iterable[tuple[str, str]]:
    try:
        yield from local.walk(root)
    except InputError as error:  # it speaks of the option of other modules
        raise InputError(f"root: {error.message.removeprefix('src: ')}") from error
    except OSError as error:
        raise InputError(f"root: cannot read the folder {root}: {error.strerror}.") from error


def _checked(regex: str) -> re.Pattern[str]:
    try:
        return re.compile(regex)
    except re.error as error:
        raise InputError(f"regex: {regex!r} is not a regular expression: {error}.") from error


def _compiled(template: str) -> re.Pattern[str]:
    """A template as a regular expression for the whole path. What begins a part does not match a leading dot."""
    parts = []
    seen: set[str] = set()
    begins = True
    for token in _TOKEN.finditer(template + "**" if template.endswith("/") else template):
        text, name = token.group(0), token.group(1)
        visible = r"(?!\.)" if begins else ""
        if name is not None:
            if not name.isidentifier():
                raise InputError(f"pattern: {template!r} has {text!r}; the name of a value must stand in the braces.")
            # The same name a second time must be the same text.
            parts.append(f"(?P={name})" if name in seen else f"{visible}(?P<{name}>[^/]+?)")
            seen.add(name)
        elif text in "{}":
            raise InputError(f"pattern: {template!r} has a brace without its counterpart.")
        else:
            folders = r"(?:(?!\.)[^/]+/)*"
            wild = {"**/": folders, "**": rf"{folders}{visible}[^/]+", "*": rf"{visible}[^/]*", "?": rf"{visible}[^/]"}
            parts.append(wild.get(text) or re.escape(text))
        begins = text.endswith("/")
    return re.compile("".join(parts))


def _meant(captured: Iterable[str], given: Mapping[str, str]) -> list[str]:
    """Return the names that describe something. One that is no column may only serve in a default."""
    used = {name for template in given.values() for name in names_in(template)}
    return [*(name for name in captured if name in COLUMNS or name not in used), *given]


@dataclass
class _Labels:
    """Cleans labels where that is allowed, and notices two that become one by it."""

    clean: bool
    _seen: dict[tuple[str, ...], str] = field(default_factory=dict)

    def checked(self, values: dict[str, str]) -> dict[str, str]:
        """Return the values with labels that XNAT can keep. Raises InputError where that would merge two objects."""
        if not self.clean:
            return values
        above: tuple[str, ...] = ()
        for kind, forbidden in _NO_LABEL.items():
            if kind not in values:
                continue
            label = values[kind]
            cleaned = re.sub(forbidden, "_", label)
            # A session's label is unique in its project, whatever subject it is under.
            above = (kind, cleaned) if kind == "session" else (*above, kind, cleaned)
            other = self._seen.setdefault(above, label)
            if other != label:
                raise InputError(f"{kind}: both {other!r} and {label!r} would become {cleaned!r}. Rename one of them.")
            values[kind] = cleaned
        return values


def _remark(study: Study, others: list[str]) -> None:
    reason = "does not match the pattern"
    if len(others) <= _REMARKS:
        for path in others:
            study.leave_out(path, reason)
        return
    for folder, count in sorted(Counter(path.rpartition("/")[0] or "." for path in others).items()):
        study.leave_out(
            f"{folder}/", f"{count} {'file that does' if count == 1 else 'files that do'} not match the pattern"
        )
