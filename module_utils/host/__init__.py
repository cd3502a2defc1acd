"""What the modules for hosts share. Runs on the host, so the standard library of Python 3.10 is all there is."""
