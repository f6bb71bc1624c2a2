"""What explorer can do, one capability a module: load once, emit events, return values.

The command line, the terminal app and Python ask these functions and show the answers. Nothing here prints. A function
takes plain values and returns frozen ones. Those that read timm's source take the ``graph`` to answer from and load
one where there is none. Those that run a model take a ``client``, whose worker stays warm for the next question, and
start and end one of their own where there is none. What is worth telling meanwhile goes to ``emit``.
"""
