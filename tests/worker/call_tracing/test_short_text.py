import collections
import enum
import functools

import pytest

from explorer.worker.call_tracing.short_text import LIMIT, short


class Mode(enum.Enum):
    FAST = "fast"


class Size(enum.StrEnum):
    BIG = "big"


class Net:
    def forward(self): ...


class Odd(type):
    def __repr__(cls):
        raise SystemExit

    __name__ = property(__repr__)
    __mro__ = property(__repr__)


class Metal(metaclass=Odd): ...


class Loud(dict):
    def __iter__(self):
        raise SystemExit

    items = __len__ = __repr__ = __getitem__ = __iter__


class Named(collections.namedtuple("Named", "a b")): ...


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (64, "64"),
        (-1e-06, "-1e-06"),
        ("it's", '"it\'s"'),
        (b"abc", "3 bytes"),
        (..., "..."),
        (range(3), "range(0, 3)"),
        ([3, 4, 6, 3], "[3, 4, 6, 3]"),
        ((1,), "(1,)"),
        ((), "()"),
        ([[1, 2], [[3]]], "[[1, 2], [[…]]]"),
        (((((1,),),),), "(((…),),)"),
        ({"block": Net, "layers": (3, 4)}, "{'block': class Net, 'layers': (3, 4)}"),
        ({3, 1, 2}, "{1, 2, 3}"),
        (frozenset(), "an empty set"),
        (set(range(100)), "a set of 100"),
        (Net, "class Net"),
        (Net(), "a Net"),
        (Net.forward, "function Net.forward"),
        (Net().forward, "method Net.forward"),
        (len, "function len"),
        (lambda: 1, "a lambda"),
        (functools.partial(Net, 1, eps=1e-06), "partial(Net, 1, eps=1e-06)"),
        (Mode.FAST, "Mode.FAST"),
        (Size.BIG, "Size.BIG"),
        (Named(1, "x"), "Named (1, 'x')"),
        (collections.OrderedDict(a=1), "OrderedDict {'a': 1}"),
        (enum, "module enum"),
        (ValueError("x"), "a ValueError"),
        (1 << 200, "an int of 201 bits"),
    ],
)
def test_short(value, text):
    assert short(value) == text


def test_function_inside_a_function():
    def inner(): ...

    assert short(inner) == "function inner"


@pytest.mark.parametrize(
    "value", ["x" * 10_000, list(range(10_000)), dict.fromkeys(range(99), "y" * 99), [["z" * 50] * 50] * 50]
)
def test_nothing_is_longer_than_its_room(value):
    assert len(short(value)) <= LIMIT


def test_a_list_that_is_cut_says_how_much_is_left():
    assert short(list(range(100, 200))) == "[100, 101, 102, 103, 104, 105, 106, 107, 108, … 91 more]"


def test_a_list_that_holds_itself():
    loop = []
    loop.append(loop)
    assert short(loop) == "[[[…]]]"
    knot = functools.partial(print)
    knot.__setstate__((print, (knot,), {}, {}))
    assert short(knot) == "partial(print, partial(print, partial(…)))"


def test_no_code_of_a_value_runs():
    class Trap:
        def __getattribute__(self, name):
            raise SystemExit(name)

        __repr__ = __str__ = __hash__ = __eq__ = __bool__ = __getattribute__

    trap = Trap()
    assert (short(Metal), short(Metal())) == ("class Metal", "a Metal")
    assert short(Loud(a=1)) == "Loud {'a': 1}"
    assert short(trap) == "a Trap"
    assert short([trap, (trap,)]) == "[a Trap, (a Trap,)]"
    assert short(functools.partial(Trap, trap)) == "partial(Trap, a Trap)"
