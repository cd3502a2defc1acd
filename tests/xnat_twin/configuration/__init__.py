"""Site settings, their defaults, and the files of an XNAT home folder."""
