"""How xnat_upload compares with the other ways to put images into XNAT: same server, same files, a process for each.

cases.py says what is measured, contenders.py who takes part. The server is the practice XNAT: nothing here tells how
fast a real one is.
"""
