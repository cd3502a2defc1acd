"""The modules (1.6) or plugins (1.7 and later) that a practice site can have, and the data types that they bring."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from types import MappingProxyType

from .schema import DataType, Types


@dataclass(frozen=True)
class Module:
    """One module: its plugin ID, what `/xapi/plugins` says of it, and its data types."""

    name: str
    title: str
    description: str
    types: tuple[DataType, ...] = ()


MODULES = MappingProxyType(
    {
        module.name: module
        for module in (
            Module("dpuk-datatypes", "DPUK data types", "Assessment and risk factors of a DPUK subject"),
            Module("dpuk-node-extras", "DPUK node extras", "Data freezes and sharing between DPUK nodes"),
            Module("dpuk-biobank", "DPUK UK Biobank", "Fetches UK Biobank images for the subjects of a spreadsheet"),
        )
    }
)


def installed_types(modules: Collection[str]) -> Types:
    """XNAT's own data types and those of `modules`, which are names of `MODULES`."""
    types = Types()
    for name in modules:
        for data_type in MODULES[name].types:
            types.install(data_type)
    return types
