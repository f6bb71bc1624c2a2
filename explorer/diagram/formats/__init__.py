"""A view written in one format each, from SVG to lines for a terminal."""
