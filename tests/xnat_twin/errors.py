"""How XNAT says no: the status page of its `/data` services, and the exceptions that lead to it.

The page is not well-formed (`<br>` is never closed) and must stay so: clients parse error bodies as XML and rely on
the failure. The message is also the reason phrase of the status line.
"""

from __future__ import annotations

import re

#: What Restlet says when a resource sets a status without a message of its own.
DESCRIPTIONS = {
    400: "The request could not be understood by the server due to malformed syntax",
    401: "The request requires user authentication",
    403: "The server understood the request, but is refusing to fulfill it",
    404: "The server has not found anything matching the request URI",
    405: "The method specified in the request is not allowed for the resource identified by the request URI",
    406: "The resource identified by the request is only capable of generating response entities which have content "
    "characteristics not acceptable according to the accept headers sent in the request",
    409: "The request could not be completed due to a conflict with the current state of the resource",
    412: "The precondition given in one or more of the request-header fields evaluated to false",
    416: "For byte ranges, this means that the first-byte-pos were greater than the current length of the resource",
    417: "The expectation given in the request header could not be met by this server",
    422: "The server understands the content type and the syntax of the request entity, but was unable to process it",
    500: "The server encountered an unexpected condition which prevented it from fulfilling the request",
    501: "The server does not support the functionality required to fulfill the request",
    502: "The server received an invalid response from the upstream server",
    503: "The server is currently unable to handle the request due to a temporary overloading or maintenance",
    504: "The server did not receive a timely response from the upstream server",
}

_PAGE = """<html>
<head>
   <title>Status page</title>
</head>
<body>
<h3>{message}</h3><p>You can get technical details <a href="http://www.w3.org/Protocols/rfc2616/{section}">here</a>.<br>
Please continue your visit at our <a href="/">home page</a>.
</p>
</body>
</html>
"""

_CONTAINER_PAGE = """<!doctype html><html lang="en"><head><title>HTTP Status {status}</title></head><body>
<h1>HTTP Status {status}</h1><hr class="line" /><p><b>Message</b> {message}</p><hr class="line" /></body></html>
"""


#: For messages, which may hold a path as it was sent; a query's value is escaped already, and its `&` must stay.
_NO_TAGS = str.maketrans({"<": "&lt;", ">": "&gt;"})


class StatusError(Exception):
    """The request ends with this status. Without a message the status' own description is used."""

    content_type = "text/html"

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message or DESCRIPTIONS.get(status, "Error"))
        self.status = status

    @property
    def message(self) -> str:
        return str(self)

    def body(self) -> bytes:
        return status_page(self.status, self.message)


class XapiError(StatusError):
    """The same for `/xapi`, whose answers are plain text instead of a page."""

    content_type = "text/plain; charset=UTF-8"

    def body(self) -> bytes:
        return self.message.encode("utf-8", "replace")


class XapiRefusalError(StatusError):
    """`/xapi` refuses access, without a word. Reference: XapiRequestMappingAspect."""

    content_type = "text/plain"

    def body(self) -> bytes:
        return b""


class ContainerError(StatusError):
    """Refused in front of XNAT's services, or no service has the path: the page is Tomcat's."""

    def body(self) -> bytes:
        return _CONTAINER_PAGE.format(status=self.status, message=self.message.translate(_NO_TAGS)).encode(
            "utf-8", "replace"
        )


def status_page(status: int, message: str) -> bytes:
    """The body of an answer that ends with `status`, in ISO-8859-1: other characters are lost, as on a real server."""
    section = f"rfc2616-sec10.html#sec10.{status // 100}.{status % 100 + 1}"
    return _PAGE.format(message=message.translate(_NO_TAGS), section=section).encode("iso-8859-1", "replace")


def status_line(status: int, message: str) -> str:
    """`409 Specified resource already exists.`: the message as reason phrase, on one line."""
    reason = re.sub(r"[^\x20-\x7e]+", " ", message).strip()
    return f"{status} {reason or DESCRIPTIONS.get(status, 'Error')}"
