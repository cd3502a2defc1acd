"""Endpoints of resource folders and their files."""
