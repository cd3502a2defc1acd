"""What the server remembers: tables of the database, files in the archive, and what is done to both."""
