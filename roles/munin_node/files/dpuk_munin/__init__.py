"""The node's own munin plugins: one module each, what they share in graph.py and settings.py.

They need nothing but Python 3.10. /etc/munin/plugins/NAME leads to plugin.py, which runs the function `measure` of the
module NAME; what a plugin must know comes as env.* from /etc/munin/plugin-conf.d. They measure and change
nothing.
"""
