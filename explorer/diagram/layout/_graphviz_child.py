"""A stand-in for ``dot -Tjson0``, run as a script: one DOT graph a line in, their layouts out.

As ``dot`` does, it obeys ``layout=nop2`` in a graph. The C library is used in this process and not in the parent's, so
that a layout that runs away can be ended.
"""

import sys


def main() -> None:
    """Lay out every graph on stdin."""
    from pygraphviz import AGraph

    for line in sys.stdin.buffer:
        engine = "nop2" if b"layout=nop2" in line else "dot"
        layout: bytes = AGraph(string=line.decode()).draw(format="json0", prog=engine)
        sys.stdout.buffer.write(layout)


if __name__ == "__main__":
    main()
