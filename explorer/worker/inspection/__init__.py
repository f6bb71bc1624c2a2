"""What a model is made of: its layers, their shapes, parameters and costs."""

from explorer.worker.inspection.answer import run

__all__ = ["run"]
