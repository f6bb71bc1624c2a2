"""Python as it was before code of users' own ran: what the pipe needs of it can be put back."""

import builtins
import json.decoder
import json.encoder

_BEFORE = [(vars(module).update, dict(vars(module))) for module in (builtins, json, json.decoder, json.encoder)]
_ENCODER = {name: value for name, value in vars(json.JSONEncoder).items() if callable(value)}


def put_back() -> None:
    """Undo what was replaced of the built-in functions and of the json module.

    Not done as long as the pipe works: a model may count on what its source has put there.
    """
    for update, values in _BEFORE:  # by methods at hand alone, because no built-in function can be relied on here
        update(values)
    for name, value in _ENCODER.items():
        setattr(json.JSONEncoder, name, value)
