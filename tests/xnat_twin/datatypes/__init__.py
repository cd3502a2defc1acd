"""XNAT's data types: schemas, fields, values, and the names that requests use for them."""
