"""Running the worker: its clients and pools. Imports no torch."""
