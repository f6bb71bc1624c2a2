"""What a picture can show: one module a view, each with a function that makes a ``View`` of its input alone."""
