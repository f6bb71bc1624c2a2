"""A model created once, with every call between functions of timm recorded."""
