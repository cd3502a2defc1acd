"""Whether XNAT answers, how quickly, and which version it is.

env.url       the page that tells the version: http://127.0.0.1:8080/xapi/siteConfig/buildInfo (XNAT 1.7 and later)
env.timeout   seconds after which it counts as down (10)

Asked on the host itself, past the front door: nginx has plugins of its own, and XNAT answers this page to everybody.
"""

from __future__ import annotations

import json
import re

from .graph import Field, Graph
from .settings import Settings
from .web import Answer, ask


def measure(settings: Settings) -> list[Graph]:
    """One graph: up (1 or 0) and the seconds that the answer took, which are unknown when there was none."""
    url = settings.required("url", "http://127.0.0.1:8080/xapi/siteConfig/buildInfo")
    answer = ask(url, settings.number("timeout", 10))
    version = version_of(answer)
    said = f"XNAT {version}" if version else f"{url}: {reason(answer)}"
    return [
        Graph(
            name="xnat_up",
            title="XNAT: up, and time to answer",
            unit="1 = up; seconds",
            category="xnat",
            info="XNAT is asked for its version on this host, past the front door.",
            fields=[
                Field("up", "up", 1 if version else 0, "1 when it told its version in time, 0 when not.", extra=said),
                Field(
                    "answer",
                    "seconds to answer",
                    answer.seconds if version else None,
                    "Until the whole answer was there.",
                    extra=said,
                ),
            ],
        )
    ]


def version_of(answer: Answer) -> str:
    """The version, or an empty text: a page that is not XNAT's is no sign that XNAT is up.

    1.7 and later answer a JSON object; 1.6 answers `/data/version` with the bare version.
    """
    if answer.status != 200:
        return ""
    try:
        told = json.loads(answer.text)
    except ValueError:
        told = {"version": answer.text}
    if not isinstance(told, dict):
        told = {"version": told}
    version = str(told.get("version", "")).strip()
    return version if re.fullmatch(r"\d[\w.+-]{0,60}", version) else ""


def reason(answer: Answer) -> str:
    """Why it counts as down."""
    return "the answer holds no version" if answer.status == 200 else answer.text
