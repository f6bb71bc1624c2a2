"""Words, units and tables for what was measured or counted: every front shows the same ones."""
