"""HTML for people: elements that escape what they hold, and the page around them. No XNAT rule is here.

`h("td", value)` makes an element. A `Markup` is HTML already and goes in as it is; anything else is text and is
escaped, so a value that a client stored can never become part of a page's structure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import unescape

STYLE = (Path(__file__).parent / "pages.css").read_text("utf-8")
#: Nothing on a page may load or run anything; the style is the page's own.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

_VOID = frozenset({"br", "input", "link", "meta"})
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


class Markup(str):
    """HTML, as opposed to text."""

    __slots__ = ()


Content = object  # a Markup, a text or number, None for nothing, or a list or tuple of these


def h(tag: str, *content: Content, **attributes: object) -> Markup:
    """An element. Attributes that are None or False are left out; a `_` at the end of a name is cut (`class_`)."""
    written = ""
    for name, value in attributes.items():
        if value is True:
            written += f" {name.rstrip('_')}"
        elif value is not None and value is not False:
            written += f' {name.rstrip("_")}="{escape(str(value))}"'
    opening = f"<{tag}{written}>"
    return Markup(opening if tag in _VOID else f"{opening}{join(content)}</{tag}>")


def join(content: Content) -> Markup:
    """Content as HTML, with nothing around it."""
    match content:
        case None:
            return Markup()
        case Markup():
            return content
        case list() | tuple():
            return Markup("".join(join(part) for part in content))
        case _:
            return Markup(escape(str(content)))


def shown(stored: object) -> str:
    """A stored value as a person wrote it: XNAT keeps what it gets in a query XML-escaped."""
    return unescape(str(stored), {"&quot;": '"', "&apos;": "'"})


def link(to: str, content: Content) -> Markup:
    return h("a", content, href=to)


def address(*parts: object) -> str:
    """`/a/b` from names of any characters."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


def size(count: int) -> Markup:
    """`1.2 MB`; the exact number appears under the pointer."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    number = f"{value:.0f}" if unit == 0 or value >= 99.5 else f"{value:.1f}"
    return h("span", f"{number} {_UNITS[unit]}", title=f"{count:,} bytes")


def table(columns: Sequence[str], rows: Iterable[Sequence[Content]]) -> Markup:
    """A table. A column whose title begins with `#` holds numbers.

    A cell that is made already (`td`) goes in as it is. A row may lack the first cells, where one from above reaches.
    """
    numeric = [title.startswith("#") for title in columns]
    head = [h("th", title.lstrip("#"), class_="n" if n else None) for title, n in zip(columns, numeric, strict=True)]
    body = [
        h("tr", [cell if _is_cell(cell) else h("td", cell, class_="n" if n else None)
                 for cell, n in zip(row, numeric[-len(row):], strict=True)])
        for row in rows
    ]  # fmt: skip
    return h("div", h("table", h("thead", h("tr", head)), h("tbody", body)), class_="scroll")


def _is_cell(content: Content) -> bool:
    return isinstance(content, Markup) and content.startswith("<td")


def facts(pairs: Iterable[tuple[str, Content]]) -> Markup | None:
    """Names and values side by side; None if there are none."""
    rows = [h("div", h("dt", name), h("dd", value)) for name, value in pairs if value not in (None, "")]
    return h("dl", rows) if rows else None


def document(title: str, header: Content, main: Content, footer: Content) -> Markup:
    """The whole page."""
    html = h(
        "html",
        h(
            "head",
            h("meta", charset="utf-8"),
            h("meta", name="viewport", content="width=device-width, initial-scale=1"),
            h("meta", name="color-scheme", content="light dark"),
            h("title", title),
            h("style", Markup(STYLE)),
        ),
        h("body", h("header", header), h("main", main), h("footer", footer)),
        lang="en",
    )
    return join([Markup("<!DOCTYPE html>\n"), html])
