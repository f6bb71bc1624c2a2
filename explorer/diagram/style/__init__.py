"""How things look: colours by kind, text sizes, the stylesheet, and the legend that explains them."""
