"""A whole study: read from a source, planned against what is there, carried into XNAT, proven, reported."""
