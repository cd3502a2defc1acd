"""A stand-in for the builder of XNAT 1.6 and for modules of a DPUK node, for tests. README.md says what is like it."""
