"""The modules (1.6) or plugins (1.7 and later) that a practice site can have, and the data types that they bring."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from xnat_twin.datatypes.definitions import DataType
from xnat_twin.datatypes.schema import Types
from xnat_twin.datatypes.xsd import load

SCHEMAS = Path(__file__).parent / "schemas"
#: The schemas of every XNAT, in the order in which they build on one another.
_CORE = ("xdat/xdat.xsd", "birn/birnprov.xsd", "catalog/catalog.xsd", "xnat/xnat.xsd")


@dataclass(frozen=True)
class Module:
    """One module: its plugin ID, what `/xapi/plugins` says of it, and the schemas of its data types."""

    name: str
    title: str
    description: str
    schemas: tuple[str, ...] = ()

    def types(self) -> list[DataType]:
        """The data types that it brings, without those of the entries of their lists."""
        found = (data_type for path in self.schemas for data_type in load(SCHEMAS / path).types)
        return [data_type for data_type in found if data_type.extends]


MODULES = MappingProxyType(
    {
        module.name: module
        for module in (
            Module(
                "dpuk-datatypes", "DPUK data types", "Assessment and risk factors of a DPUK subject", ("dpuk/dpuk.xsd",)
            ),
            Module("dpuk-node-extras", "DPUK node extras", "Data freezes and sharing between DPUK nodes"),
            Module("dpuk-biobank", "DPUK UK Biobank", "Fetches UK Biobank images for the subjects of a spreadsheet"),
        )
    }
)


def installed_types(modules: Collection[str] = (), schemas: Collection[Path] = ()) -> Types:
    """XNAT's own data types, those of `modules`, which are names of `MODULES`, and those of further schemas.

    OSError or SchemaError if a schema cannot be read.
    """
    paths = [SCHEMAS / path for path in (*_CORE, *(path for name in modules for path in MODULES[name].schemas))]
    return Types(load(path) for path in (*paths, *(path.resolve() for path in schemas)))
