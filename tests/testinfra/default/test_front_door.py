"""The front door as browsers and administrators meet it: headers, logs that turn, a certificate that is kept."""

from __future__ import annotations

import json

from reach import Client, Host

from lab.settings import DOMAIN

OURS = {"Host": f"web.{DOMAIN}"}


def test_browsers_are_told_to_insist_on_https_for_a_year(client: Client) -> None:
    headers = client.get("/", headers=OURS).headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


def test_localhost_is_not_made_to_insist_on_it(client: Client) -> None:
    """Other programs of whoever tries the lab answer there, too."""
    assert "Strict-Transport-Security" not in client.get("/").headers


def test_browsers_guess_no_types_tell_no_addresses_and_frame_nothing_of_ours_elsewhere(client: Client) -> None:
    for path in ("/", "/app/template/Login.vm", "/metrics", "/data/projects"):
        headers = client.get(path, headers=OURS).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "SAMEORIGIN"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Server"] == "nginx"


def test_the_log_has_paths_and_no_queries(client: Client, web: Host) -> None:
    client.get("/data/projects", params={"named": "a-name-in-a-query"})
    log = web.file("/var/log/nginx/access.log").content_string
    assert "GET /data/projects HTTP" in log
    assert "a-name-in-a-query" not in log


def test_logs_are_turned_and_nginx_goes_on_in_the_new_one(client: Client, web: Host) -> None:
    done = web.run("logrotate --force /etc/logrotate.d/nginx")
    assert done.rc == 0, done.stderr
    client.get("/data/projects", params={}, headers={"User-Agent": "after-the-turn"})
    assert "after-the-turn" in web.file("/var/log/nginx/access.log").content_string
    assert "after-the-turn" not in web.file("/var/log/nginx/access.log.1").content_string
    assert web.file("/etc/cron.daily/logrotate").exists or web.run("systemctl is-enabled logrotate.timer").rc == 0


def test_the_certificate_is_looked_after(web: Host) -> None:
    assert web.run("systemctl is-active dpuk-certificate.timer dpuk-certificate.path").stdout.split() == ["active"] * 2
    assert web.run("dpuk-certificate check").stdout.startswith("keep: ")
    done = web.run("systemctl start dpuk-certificate")
    assert done.rc == 0, done.stderr
    assert json.loads(web.file("/etc/dpuk/certificate.json").content_string)["source"] == "files"
