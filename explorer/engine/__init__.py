"""Running timm for real, in a worker process.

``protocol`` and ``client`` are torch-free and are what the rest of explorer imports. ``worker`` is the
program at the other end of the pipe; ``bench`` and the modules it uses import torch and timm, and run only
there.
"""
