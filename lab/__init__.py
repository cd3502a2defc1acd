"""The lab: the test hosts of a node on this machine, and the demonstration and checks that run on them.

Nothing here is needed to build or fill a real node. `make help` lists what it can do.
"""
