"""From folders, tables and archives on this machine to one study of what shall be in XNAT. Sends nothing."""
