"""Where everything in a picture stands: Graphviz's layouts in a child process, and our own packing for narrow ones."""
