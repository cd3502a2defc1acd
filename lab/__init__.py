"""The lab: three test hosts on this machine, and the demonstration and checks that run on them.

Nothing here is needed to build or fill a real node. `make help` lists what it can do.
"""
