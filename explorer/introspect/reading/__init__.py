"""Source files found and parsed: an installed package, a folder, a wheel or an sdist, and the user's own files."""
