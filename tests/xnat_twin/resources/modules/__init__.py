"""Endpoints that DPUK's modules add."""
