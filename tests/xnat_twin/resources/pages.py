"""The two pages that clients run into: the home page and the login page. There is no user interface behind them."""

from __future__ import annotations

from falcon import Request, Response

from .base import Endpoint


class HomePage(Endpoint):
    """`/`: open, so that a client can see that there is a server."""

    def on_get(self, req: Request, resp: Response) -> None:
        resp.content_type = "text/html; charset=UTF-8"
        resp.text = "<html><head><title>XNAT</title></head><body><h1>Practice XNAT</h1></body></html>"


class LoginPage(Endpoint):
    """`/app/template/Login.vm`: where XNAT sends a browser, and a client that poses as one. Status 200."""

    def on_get(self, req: Request, resp: Response) -> None:
        resp.content_type = "text/html; charset=UTF-8"
        resp.text = (
            "<!DOCTYPE html>\n<html><head><title>XNAT Login</title></head><body><form><input name='username'>"
            "</form></body></html>"
        )
