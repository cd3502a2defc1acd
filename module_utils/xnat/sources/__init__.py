"""From folders, tables and archives on this machine to one study: what shall be in XNAT. Nothing here sends anything."""
