"""What a model is made of: its layers, their shapes, parameters and costs."""

from explorer.engine.inspect.run import run

__all__ = ["run"]
