"""Which path leads to which endpoint: data.py has projects and all below them, services.py what is nobody's data."""

from __future__ import annotations

import falcon
from falcon import Request, Response

from xnat_twin.routes import data, services
from xnat_twin.site import Site


def add_routes(app: falcon.App[Request, Response], site: Site) -> None:
    """All paths that this site has; some depend on its flavour, its modules and its options."""
    services.add_entry_routes(app, site)
    data.add_search_routes(app, site)
    services.add_module_routes(app, site)
    if site.flavour.xapi:
        services.add_xapi_routes(app, site)
    services.add_page_routes(app, site)
    data.add_project_routes(app, site)
    data.add_object_routes(app, site)
