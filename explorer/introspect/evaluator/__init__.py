"""A safe evaluator of Python source: what importing and calling would compute, without running it."""
