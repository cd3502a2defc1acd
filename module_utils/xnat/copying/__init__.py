"""A project of one XNAT in another one: what is read there, written here, and compared. Knows no attribute by name."""
