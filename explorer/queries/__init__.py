"""What is asked of a graph of timm: names, models, families, classes, slices, paths, arguments. Pure, no I/O."""
