"""One class per XNAT REST resource, each named after the object that it serves. routes/ gives them their paths."""
