"""One object as a document: JSON and XML, out and in."""
