"""Endpoints of logging in, accounts, settings, plugins and schemas."""
