"""Bytes between a request and the archive: uploads, downloads, archives of many files."""
