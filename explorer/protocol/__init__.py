"""What crosses the pipe between explorer and its worker.

Requests go one way, events come back, one JSON object a line. A request is answered by any number of
:class:`Progress`, :class:`Partial` and :class:`Log` events and then exactly one :class:`Result` or
:class:`Failure`. Units stand in the field names; nothing here imports torch or timm.
"""
