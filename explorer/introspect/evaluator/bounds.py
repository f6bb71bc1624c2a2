"""Every limit of an evaluation, and the two ways in which one ends early.

Source is read that nobody vouches for, so each thing that it can make grow is bounded: work (steps), nesting (depth),
rounds of a loop, sizes of values, options of a choice. Whatever meets a bound becomes unknown; nothing is an error.
"""

MAX_SIZE = 1_000_000
"""Parts of one value, and characters of one text. timm's own largest table has some thousand."""
MAX_BITS = 4096
"""Bits of a whole number: ``9 ** 9 ** 9`` must not be computed."""
MAX_OPTIONS = 64
"""Options of a choice: past them every operation on it would cost more than what it still tells."""
MAX_COMBINATIONS = 64
"""Combinations of options that one operation is tried on."""
MAX_SPLIT = 16
"""Options of a name that a test is tried on one by one, to tell which of them pass it."""
MAX_PROGRAM = 100_000
"""Characters of a text that ``exec`` runs."""
MAX_TIMES = 1000
"""Repetitions of ``itertools.repeat`` that are written out."""
MAX_NUMBERS = 10_000
"""Numbers of a ``torch.linspace`` that are written out."""

MAX_EXACT = 8
"""Whole numbers up to this one are strides, kernel sizes and counts, which decide what is built."""
LONGEST_RUN = 3
"""Equal items in a row that still tell two calls apart: with more, a block is repeated, and how often is a size."""

MAX_NESTING = 150
"""Expressions and statements inside each other in one function: timm's deepest, a chain of ``elif``, has 26."""
MAX_DEPTH = 60
"""Calls inside calls. timm's own creation of models goes about half as deep."""
MAX_ROUNDS = 512
"""Rounds of a loop that are gone through one by one."""
STEPS_PER_STATEMENT = 100_000
"""Work for one statement at the top of a module; a step is a call or a round of a loop."""
STEPS_PER_BODY = 10_000
"""Work for the body of a class."""
STEPS_PER_MODEL = 100_000
"""Work for the creation of one model. The largest of timm's takes a tenth."""
STEPS_PER_FUNCTION = 1_000
"""Work for a function that is called with anything."""
DEPTH_FROM_ANYTHING = 3
"""Calls inside calls from a function that no model reaches: what lies deeper is called so itself."""
ROUNDS_WITH_ANYTHING = 8
"""Rounds of a loop in a function that is called with anything."""

MAX_MISSES = 40
"""A function called so often in a row, never in the same way, is no longer remembered: telling its calls apart costs
more than evaluating them."""
RECALLS_WORTH = 400
"""How many more such calls one remembered call is worth."""


MAX_LARGE_PARTS = 20_000_000
"""Parts of all large values that one evaluation makes together: each is in bounds, and thousands of them are not."""
_LARGE = 10_000
SECONDS = 300.0
"""Time for the whole of a source; timm's own takes some five."""
SECONDS_OF_OWN = 30.0
"""Time for what importing source of the user's own runs."""


class _LargeParts:
    """How much of :data:`MAX_LARGE_PARTS` is used up."""

    count = 0


def check_size(size: int) -> None:
    """Whether a value of so many parts may be made.

    Raises:
        GiveUp: it is too large, or one too many.
    """
    if size > MAX_SIZE:
        raise GiveUp
    if size > _LARGE:
        _LargeParts.count += size
        if _LargeParts.count > MAX_LARGE_PARTS:
            raise GiveUp


def forget_sizes() -> None:
    """Begin another evaluation, which may make large values anew."""
    _LargeParts.count = 0


class GiveUp(Exception):
    """The evaluation in hand cannot be known: an error would be raised, or it takes too much time or memory."""


class NoSuchModule(GiveUp):
    """Python would find no module of that name here."""


class OutOfSteps(Exception):
    """The work allowed for one evaluation is used up: whatever encloses what it was allowed for ends as well."""
