"""What a path or an archive URI names, as far as the caller may see it."""
