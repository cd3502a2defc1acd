"""xnat_backup and dpuk_certificates: what they read in files, and what they make of files that are wrong."""

from __future__ import annotations

import datetime
import json
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from munin_protocol import Munin

DAY = 86400


def status(path: Path, **told: object) -> Path:
    """A status file of the backup."""
    path.write_text(json.dumps(told))
    return path


def test_age_counts_from_the_end_of_the_backup(munin: Munin, tmp_path: Path) -> None:
    now = time.time()
    file = status(tmp_path / "s", finished=now - 3 * DAY, verified=now - DAY, bytes=5_000_000_000)
    said = munin.values("xnat_backup", status=file)
    assert float(said.value("age", "xnat_backup")) == pytest.approx(3, abs=0.01)
    assert said.value("missing", "xnat_backup") == "0"
    assert said.value("size", "xnat_backup_size") == "5000000000"
    assert "last verified backup" in said.attribute("age", "extinfo", "xnat_backup")


NOW = 1_798_675_200


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        json.dumps({"finished": NOW - 9, "bytes": 1}),  # not verified
        json.dumps({"finished": NOW - 9, "verified": None, "bytes": 1}),
        json.dumps({"finished": NOW - 9, "verified": True, "bytes": 1}),
        json.dumps({"finished": NOW - 9, "verified": NOW - 5, "bytes": True}),
        json.dumps({"finished": "yesterday", "verified": NOW - 5, "bytes": 1}),
        json.dumps({"finished": NOW - 9, "verified": NOW - 5, "bytes": -1}),
        json.dumps({"finished": NOW - 5, "verified": NOW - 9, "bytes": 1}),  # verified before it was there
        json.dumps({"finished": NOW + DAY, "verified": NOW + DAY, "bytes": 1}),  # the future
        '{"finished": NaN, "verified": NaN, "bytes": 1}',
        '{"finished": 1e999, "verified": 1e999, "bytes": 1}',
    ],
)
def test_what_makes_no_sense_is_unknown_and_missing(
    munin: Munin, tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dpuk_munin.xnat_backup.time.time", lambda: NOW)
    file = tmp_path / "status.json"
    file.write_text(content)
    said = munin.values("xnat_backup", status=file)
    assert (said.value("age", "xnat_backup"), said.value("missing", "xnat_backup")) == ("U", "1")
    assert said.value("size", "xnat_backup_size") == "U"
    assert str(file) in said.attribute("missing", "extinfo", "xnat_backup")


def test_without_a_file_it_is_unknown_and_can_be_warned_of(munin: Munin, tmp_path: Path) -> None:
    said = munin.values("xnat_backup", status=tmp_path / "none")
    assert (said.value("age", "xnat_backup"), said.value("missing", "xnat_backup")) == ("U", "1")
    said = munin.config("xnat_backup", status=tmp_path / "none", age_warning="2", missing_critical="0:0")
    assert said.attribute("age", "warning", "xnat_backup") == "2"
    assert said.attribute("missing", "critical", "xnat_backup") == "0:0"


def certificate(days: float) -> bytes:
    """A self-signed one that ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=400))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize("days", [300.0, 1.5, -20.0])
def test_days_left_are_those_of_the_certificate(munin: Munin, tmp_path: Path, days: float) -> None:
    (tmp_path / "a.crt").write_bytes(b"Text before it\n" + certificate(days))
    said = munin.values("dpuk_certificates", files=f"site={tmp_path / 'a.crt'}")
    assert float(said.value("site")) == pytest.approx(days, abs=0.01)
    assert said.attribute("site", "extinfo").startswith(str(tmp_path / "a.crt"))


def test_of_a_chain_the_one_that_ends_first_counts(munin: Munin, tmp_path: Path) -> None:
    (tmp_path / "a.crt").write_bytes(certificate(300) + certificate(12) + certificate(900))
    said = munin.values("dpuk_certificates", files=f"site={tmp_path / 'a.crt'}")
    assert float(said.value("site")) == pytest.approx(12, abs=0.01)


def test_a_file_that_is_none_is_unknown_and_the_others_are_not(munin: Munin, tmp_path: Path) -> None:
    (tmp_path / "good.crt").write_bytes(certificate(30))
    (tmp_path / "text.crt").write_bytes(b"no certificate")
    broken = certificate(30).replace(b"M", b"!", 1)
    (tmp_path / "broken.crt").write_bytes(certificate(30) + broken)
    files = {name: tmp_path / f"{name}.crt" for name in ("good", "text", "broken", "gone")}
    said = munin.values("dpuk_certificates", files=" ".join(f"{name}={path}" for name, path in files.items()))
    assert {name: said.value(name) == "U" for name in files} == {
        "good": False,
        "text": True,
        "broken": True,
        "gone": True,
    }
    assert "No such file" in said.attribute("gone", "extinfo")
    assert said.value("unreadable") == "3"
    assert "gone.crt: No such file" in said.attribute("unreadable", "extinfo")
    assert said.value("soonest") == said.value("good")


def test_the_first_to_end_is_named(munin: Munin, tmp_path: Path) -> None:
    for name, days in (("a", 300), ("b", -2), ("c", 40)):
        (tmp_path / f"{name}.crt").write_bytes(certificate(days))
    said = munin.values("dpuk_certificates", files=" ".join(f"{name}={tmp_path / name}.crt" for name in "abc"))
    assert float(said.value("soonest")) == pytest.approx(-2, abs=0.01)
    assert said.attribute("soonest", "extinfo").startswith(f"{tmp_path / 'b'}.crt: ends")
    assert said.value("unreadable") == "0"


@pytest.mark.parametrize("files", ["/etc/site.crt", "Site=/a", "a=/x a=/y", "a=", "a.b=/x", "soonest=/x"])
def test_names_that_munin_cannot_have_are_refused(munin: Munin, files: str) -> None:
    status, told, complaint = munin.run("dpuk_certificates", files=files)
    assert (status, told) == (1, "")
    assert "env.files" in complaint
