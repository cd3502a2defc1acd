"""Endpoints of projects, subjects, experiments, scans and what belongs to them."""
