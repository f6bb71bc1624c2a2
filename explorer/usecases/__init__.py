"""One capability a module: load once, emit events, return values. Shell, app and Python only show the answer."""
