"""Everything that imports torch and timm. Only the process that the engine starts imports it."""
