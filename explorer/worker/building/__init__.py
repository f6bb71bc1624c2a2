"""A model made from its name: what timm calls it, the user's own sources, and why it may fail."""
