"""The practice XNAT: a server that answers as XNAT 1.8 and later does on the endpoints in use, with its hazards.

It holds no secrets and scales to nothing; it exists so that clients, roles and people can practise.
Start it with `python -m xnat_twin --port N --data DIR`; README.md in this folder lists what it covers.
"""
