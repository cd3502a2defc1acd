"""One class per XNAT REST resource, each named after the object that it serves. app.py gives them their paths."""
