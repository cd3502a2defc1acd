"""`/xapi/xft` (1.10): data types as XNAT's database layer sees them, for administrators.

Reference: XFTElementApi, whose source we do not have: what is here is what TestXFTElementApi asks of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from falcon import Request, Response

from xnat_twin.datatypes.definitions import DataType, Element
from xnat_twin.errors import XapiRefusalError
from xnat_twin.resources.administration.xapi import XapiEndpoint, not_found
from xnat_twin.resources.base import params_of, send_json

#: Namespaces that are nobody's business: their types are left out, and asking for them is 403.
_PROTECTED = frozenset({"xdat", "arc", "cat"})


class XftElements(XapiEndpoint):
    """Lists of schemas, elements and what ties elements together."""

    def on_get_schemas(self, req: Request, resp: Response) -> None:
        self.admin(req, resp)
        prefixes = {one.prefix: one.uri for one in self.site.types.schemas.values() if one.prefix not in _PROTECTED}
        found = [
            {
                "targetNamespacePrefix": prefix,
                "targetNamespaceURI": uri,
                "elementCount": sum(one.prefix == prefix for one in self.site.types),
            }
            for prefix, uri in prefixes.items()
        ]
        send_json(resp, found)

    def on_get_elements(self, req: Request, resp: Response) -> None:
        self.admin(req, resp)
        names = [f"{one.prefix}:{name}" for one in self._types() for name in _names(req, one)]
        send_json(resp, sorted(names, key=str.lower))

    def on_get_references(self, req: Request, resp: Response) -> None:
        self.admin(req, resp)
        found = [
            {
                "manyToMany": False,
                "referenceType": "oneToMany" if many else "oneToOne",
                "superiorElement": {"name": one.name},
                "subordinateElement": {"name": item},
            }
            for one in self._types()
            for item, many in _items(one.elements)
            if item.partition(":")[0] not in _PROTECTED
        ]
        send_json(resp, found)

    def on_get_of_schema(self, req: Request, resp: Response, prefix: str) -> None:
        self.admin(req, resp)
        found = []
        for one in self._of_schema(prefix):
            found += [self._element(one) | {"name": name} for name in _names(req, one)]
        send_json(resp, found)

    def on_get_element(self, req: Request, resp: Response, prefix: str, element: str) -> None:
        self.admin(req, resp)
        send_json(resp, self._element(self._find(prefix, element)))

    def on_get_fields(self, req: Request, resp: Response, prefix: str, element: str) -> None:
        self.admin(req, resp)
        fields = self.site.types.all_fields(self._find(prefix, element).name).values()
        send_json(resp, [{"name": name, "fieldType": f"xs:{kind}"} for name, kind in fields])

    def _types(self) -> Iterator[DataType]:
        return (one for one in self.site.types if one.prefix not in _PROTECTED)

    def _of_schema(self, prefix: str) -> list[DataType]:
        if prefix in _PROTECTED:
            raise XapiRefusalError(403)
        found = [one for one in self.site.types if one.prefix == prefix]
        if not found:
            raise not_found(f"schema {prefix}")
        return found

    def _find(self, prefix: str, element: str) -> DataType:
        for one in self._of_schema(prefix):
            if _local(one).lower() == element.lower():
                return one
        raise not_found(f"element {prefix}:{element}")

    def _element(self, one: DataType) -> dict[str, Any]:
        return {
            "name": _local(one),
            "extension": one.extends,
            "fieldCount": len(self.site.types.all_fields(one.name)),
        }


def _local(one: DataType) -> str:
    return one.name.partition(":")[2]


def _names(req: Request, one: DataType) -> Iterator[str]:
    """The type's own table and, if asked for, those of its rows' states and of its former rows."""
    params = params_of(req)
    yield _local(one)
    for wanted, ending in (("showMeta", "_meta_data"), ("showHistory", "_history")):
        if params.true(wanted):
            yield _local(one) + ending


def _items(elements: tuple[Element, ...]) -> Iterator[tuple[str, bool]]:
    """The types that a type's elements hold, and whether there can be many."""
    for element in elements:
        if element.item:
            yield element.item, element.many
        yield from _items(element.elements)
