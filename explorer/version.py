"""The version alone: whoever needs it and stands below the use cases cannot ask the package, which offers them."""

__version__ = "0.1.0"
