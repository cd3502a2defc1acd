"""nginx.conf for a host with XNAT, with munin's pages, and with both: what each serves, and what it must not."""

from __future__ import annotations

import re

import jinja2
import pytest
from role_assertions import world
from roles_tree import ROOT, read_yaml

DEFAULTS = read_yaml(ROOT / "roles" / "nginx" / "defaults" / "main.yml")


def rendered(sites: list[str], ports: list[int]) -> str:
    """The file as the role would write it with its defaults."""
    environment = world()
    environment.loader = jinja2.FileSystemLoader(ROOT / "roles" / "nginx" / "templates")
    environment.trim_blocks = True
    known = {
        **DEFAULTS,
        "nginx_sites": sites,
        "nginx_munin_port": ports[-1],
        "__nginx_tls_ports": ports,
        "__nginx_names": ["node.example.org"],
        "__nginx_hsts": True,
        "__nginx_dicom": False,
        "ansible_managed": "",
    }
    return environment.get_template("nginx.conf.j2").render(known)


def test_xnat_alone_has_nothing_of_munin() -> None:
    text = rendered(["xnat"], [443])
    assert "proxy_pass http://127.0.0.1:8080;" in text
    assert "fastcgi" not in text
    assert "auth_basic" not in text


def test_munin_alone_has_nothing_of_xnat_and_asks_for_a_password() -> None:
    text = rendered(["munin"], [443])
    assert "proxy_pass" not in text
    assert "auth_basic_user_file /etc/nginx/munin.accounts;" in text
    assert "fastcgi_pass unix:/run/dpuk-munin-graph.sock;" in text


def test_both_are_at_ports_of_their_own_and_http_leads_to_xnat() -> None:
    text = rendered(["xnat", "munin"], [443, 8444])
    xnat, munin = text.index("proxy_pass"), text.index("auth_basic")
    ports = [match[1] for match in re.finditer(r"listen (\d+) ssl;", text)]
    assert ports == ["443", "8444"]
    assert text.index("listen 443 ssl;") < xnat < text.index("listen 8444 ssl;") < munin
    assert "return 301 https://$host$request_uri;" in text


@pytest.mark.parametrize(("sites", "ports"), [(["xnat"], [443]), (["munin"], [443]), (["xnat", "munin"], [443, 8444])])
def test_names_that_are_not_ours_get_no_answer_at_any_port(sites: list[str], ports: list[int]) -> None:
    text = rendered(sites, ports)
    for port in ports:
        assert f"listen {port} ssl default_server;" in text
    assert "listen 80 default_server;" in text
    assert text.count("return 444;") == 1
