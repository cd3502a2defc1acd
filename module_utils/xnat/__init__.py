"""The XNAT client library: plain typed Python. Only module.py in it knows Ansible.

Who knows whom: module -> model, transfer -> plan, fields, address -> errors; session.py alone sends requests.
"""
