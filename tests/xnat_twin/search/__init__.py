"""XNAT's searches: documents, criteria, display fields, kept results."""
