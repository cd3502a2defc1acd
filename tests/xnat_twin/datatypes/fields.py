"""From what a client sends (shortcuts, XPaths, text) to what XNAT stores (canonical paths, typed values).

Pure: no request, no database; values.py knows single values, shortcuts.py the short names.
Reference: XMLPathShortcuts and PopulateItem in XNAT.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from xnat_twin.datatypes.paths import segments
from xnat_twin.datatypes.schema import XSI_TYPE, Place, Types
from xnat_twin.datatypes.values import FieldValue, InvalidValueError, parse_value

Fields = dict[str, FieldValue]

#: `/` inside a predicate: XNAT cuts the path there, and finds nothing.
_CUT_PREDICATE = re.compile(r"\[[^\]]*/")
_NAMED_ENTRY = re.compile(r"^(?P<entry>.*\[(?P<key>[^?+=\]][^=\]]*)=(?P<name>[^\]]*)\])/[^\[]*$")
#: Predicates that are settled when it is known what is stored: an entry that has a text, an entry of a document.
_NOT_IN_XML = re.compile("[\0\ud800-\udfff\ufffe\uffff]")
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_OPEN_PREDICATE = re.compile(r"\[(?:\?(?P<attribute>[^=\]]+)=(?P<text>[^\]]*)|\+(?P<number>\d+))\]")


def escape_parameter(value: str) -> str:
    """A parameter as XNAT reads it: escaped for XML 1.1, and stored that way. What that cannot hold is left out."""
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&apos;")):
        value = value.replace(plain, escaped)
    if value.isprintable():
        return value
    return _CONTROL.sub(lambda found: f"&#{ord(found[0])};", _NOT_IN_XML.sub("", value))


def type_of_xpath(name: str) -> str | None:
    """The data type that a parameter name speaks of: `xnat:mrScanData/note` -> `xnat:mrScanData`."""
    head, slash, _ = _standard(name).partition("/")
    return head if slash and ":" in head else None


def _standard(name: str) -> str:
    """In an XPath, a dot is another way to write `/`. So custom variables with a dot in their name are not found."""
    return name.replace(".", "/") if ":" in name else name


def locate(types: Types, name: str, data_type: str, shortcuts: Mapping[str, str]) -> Place | None:
    """What a parameter name means for an object of `data_type`; None if it has no such field."""
    xpath = shortcuts.get(name, name)
    owner, path = type_of_xpath(xpath), _standard(xpath).partition("/")[2]
    if owner is None or _CUT_PREDICATE.search(path) or not types.instance_of(data_type, owner):
        return None
    return types.locate(data_type, path)


def changes_of(
    types: Types, parameters: Iterable[tuple[str, str]], data_type: str, shortcuts: Mapping[str, str]
) -> list[tuple[str, str]]:
    """(stored path, text) for each parameter that names a field of `data_type`; all others are ignored."""
    changes = []
    for name, text in parameters:
        place = locate(types, name, data_type, shortcuts)
        if place is not None:
            changes += [*place.types, (place.path, text)]
    return changes


def merge(
    types: Types,
    stored: Mapping[str, FieldValue],
    changes: Iterable[tuple[str, str]],
    data_type: str,
    *,
    complete: bool = True,
) -> Fields:
    """`stored` with `changes` (stored path, text) applied. `NULL` clears; what is not mentioned stays.

    Fields that the type does not have are passed over. Raises InvalidValueError, also if a nested item lacks something
    that it must have to be `complete`.
    """
    changes, merged = list(changes), dict(stored)
    entries = _Entries(types, data_type, changes, merged)
    named, cleared = set(), set()
    for open_path, text in changes:
        path = entries.settle(open_path)
        if match := _NAMED_ENTRY.match(path):
            named.add((match["entry"], match["key"], match["name"]))
        if text.upper() == "NULL":
            merged.pop(path, None)
            cleared.add(path)
        elif text != "" and path.endswith(f"/{XSI_TYPE}"):
            merged[path] = text
        elif text != "" and (place := types.locate(data_type, _with_types(path, merged))) is not None:
            merged[path] = parse_value(text, place.element)
    for entry, key, name in named:  # an entry with a name has the name alone if it has nothing else, even if cleared
        merged[f"{entry}/{key}"] = name
        if any(path.startswith(f"{entry}/") and path != f"{entry}/{key}" for path in merged):
            del merged[f"{entry}/{key}"]
    if complete:
        _check_items(types, data_type, merged, cleared)
    return merged


def _check_items(types: Types, data_type: str, stored: Mapping[str, FieldValue], cleared: set[str]) -> None:
    """Each nested item must have what its type requires; to XNAT, `NULL` is something as well.

    What the object itself requires, XNAT fills in.
    """
    checked = set()
    for path in (path for path in stored if "/" in path):
        walked = [f"{name}{predicates}" for name, predicates in segments(path)]
        for depth in range(1, len(walked)):
            item = "/".join(walked[:depth])
            if item in checked:
                continue
            checked.add(item)
            item_type = types.item_at(data_type, _with_types(item, stored))
            for element in types.elements(item_type) if item_type else ():
                if element.required and element.kind and f"[{element.name}=" not in walked[depth - 1]:
                    there = f"{item}/{element.name}"
                    if there not in stored and there not in cleared:
                        raise InvalidValueError(f"{item_type}/{element.name} : Required Field")


def _with_types(path: str, stored: Mapping[str, FieldValue]) -> str:
    """A stored path with the types of the items that it leads through, where they are not the usual ones."""
    walked, typed = [], []
    for name, predicates in segments(path):
        walked.append(f"{name}{predicates}")
        item_type = stored.get(f"{'/'.join(walked)}/{XSI_TYPE}")
        typed.append(f"{walked[-1]}[@xsi:type={item_type}]" if item_type else walked[-1])
    return "/".join(typed)


class _Entries:
    """Numbers the entries of lists that have no names. Reference: XFTItem.setXMLPropertyChild, DBAction.StoreItem"""

    def __init__(self, types: Types, data_type: str, changes: list[tuple[str, str]], merged: Fields) -> None:
        self._types = types
        self._data_type = data_type
        self._changes = changes
        self._merged = merged
        self._numbers: dict[str, int] = {}

    def settle(self, path: str) -> str:
        """The path with the numbers of entries in place of open predicates."""
        while match := _OPEN_PREDICATE.search(path):
            entry = path[: match.end()]
            if entry not in self._numbers:
                self._numbers[entry] = self._number(path[: match.start()], entry, match)
            path = f"{path[: match.start()]}[{self._numbers[entry]}]{path[match.end() :]}"
        return path

    def _number(self, list_path: str, entry: str, match: re.Match[str]) -> int:
        """The entry that is meant, else a new one at the end."""
        stored = self._stored(list_path)
        end = max(stored, default=-1) + 1
        if match["number"] is None:
            name, text = match["attribute"], match["text"]
            for number, values in stored.items():
                if str(values.get(name)) == text:
                    return number
            self._merged[f"{list_path}[{end}]/{name}"] = text
            return end
        wanted: Fields = {}
        for path, text in self._changes:
            rest = path.removeprefix(f"{entry}/")
            name = _NAMED_ENTRY.match(rest)
            if name and rest == f"{name['entry']}/{name['key']}":
                continue
            if rest != path and text and not _OPEN_PREDICATE.search(rest):
                place = self._types.locate(self._data_type, f"{list_path}[0]/{rest}")
                wanted[rest] = parse_value(text, place.element) if place is not None else text
        keys = self._types.keys(self._types.item_at(self._data_type, list_path) or "")
        alike = keys if all(key in wanted for key in keys) and keys else tuple(wanted)
        found = (n for n, values in stored.items() if all(values.get(name) == wanted[name] for name in alike))
        return next(found, end)

    def _stored(self, list_path: str) -> dict[int, Fields]:
        """The entries of a list so far, by number."""
        entries: dict[int, Fields] = {}
        for path, value in self._merged.items():
            if path.startswith(f"{list_path}["):
                number, _, rest = path[len(list_path) + 1 :].partition("]/")
                if number.isdecimal():
                    entries.setdefault(int(number), {})[rest] = value
        return entries
