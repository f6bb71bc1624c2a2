"""Why a model failed: the user's wish, the machine's memory, or the model itself."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from msgspec import structs

from explorer.errors import EngineError, ExplorerError, OutOfMemory, RequestError, words_of
from explorer.protocol.request import ModelOptions
from explorer.worker.entrypoint_failures import entrypoint_failure, names_argument
from explorer.worker.hardware import memory
from explorer.worker.serve import breaks_device

# The CPU's allocator, the system, MPS and cuBLAS, each in its own words; then what torch says of sizes past all memory.
_MEMORY = re.compile(
    r"DefaultCPUAllocator|can't allocate memory|not enough memory|out of memory|Invalid buffer size|STATUS_ALLOC_FAILED"
    r"|Storage size calculation overflowed|numel: integer multiplication overflow|Overflow when unpacking",
    re.IGNORECASE,
)
_ONEDNN = re.compile(r"could not (create|execute) a (primitive|memory|scratchpad)")
"""What oneDNN says when memory is short, and when it has no such operator: it does not tell which."""
_KEYWORD = re.compile(r"unexpected keyword argument '(\w+)'")
_DTYPE = re.compile(r"dtype|scalar type|\bHalf\b|BFloat16|float16")


@dataclass(frozen=True)
class Attempt:
    """What was tried: the model and what the user chose for it (``float32``: left as it is)."""

    model: str
    device: torch.device
    batch_size: int = 1
    dtype: str = "float32"
    options: ModelOptions = field(default_factory=ModelOptions)


@contextmanager
def explained(attempt: Attempt) -> Iterator[None]:
    """Turn whatever the model raises into one clear error.

    Raises:
        RequestError: it fails for a size or dtype the user chose.
        OutOfMemory: the device has too little memory.
        EngineError: it fails as it is.
    """
    try:
        yield
    except ExplorerError:
        raise
    except Exception as error:
        raise _explanation(attempt, error) from error


def _explanation(attempt: Attempt, error: Exception) -> ExplorerError:
    if is_memory(error):
        size = f" and image size {attempt.options.img_size}" if attempt.options.img_size is not None else ""
        hint = "lower --batch-size" if attempt.batch_size > 1 else "lower --img-size or use a smaller model"
        tried = f"at batch size {attempt.batch_size}{size}"
        return OutOfMemory(f"{attempt.model} {tried} runs out of memory on {attempt.device}", hint)
    why = reason(error)
    if breaks_device(error):
        return EngineError(f"{attempt.model} failed on {attempt.device}: {why}")
    if attempt.dtype != "float32" and (attempt.options.img_size is None or _DTYPE.search(words_of(error))):
        return RequestError(f"{attempt.model} cannot run in {attempt.dtype} on {attempt.device}: {why}")
    if "more than 1 value per channel" in why:
        return RequestError(
            f"{attempt.model} cannot be trained with {attempt.batch_size} image a batch: {why}", "raise --batch-size"
        )
    if known := entrypoint_failure(attempt.model, error):
        return known
    wishes = _wishes(attempt.options)
    refused = _KEYWORD.search(words_of(error))
    if refused and isinstance(error, TypeError) and refused[1] in wishes:
        return RequestError(f"{attempt.model} takes no argument {refused[1]!r}: {why}")
    if wishes.keys() - {"img_size"}:
        chosen = ", ".join(f"{name}={value!r}" for name, value in wishes.items())
        return RequestError(f"{attempt.model} cannot be built and run with {chosen}: {why}")
    if attempt.options.img_size is not None:
        asked = attempt.options.img_size
        hint = (
            f"--set img_size={asked} builds it for that size"
            if names_argument(attempt.model, "img_size", error)
            else ""
        )
        return RequestError(f"{attempt.model} does not take image size {asked}: {why}", hint)
    return EngineError(f"{attempt.model} cannot be built and run: {why}")


def _wishes(options: ModelOptions) -> dict[str, Any]:
    """What the user chose of how the model is built, by the names of timm's arguments."""
    chosen = structs.asdict(options)
    args = chosen.pop("args")
    return {name: value for name, value in chosen.items() if value is not None and value is not False} | dict(args)


def is_memory(error: BaseException) -> bool:
    """Whether memory ran out, on any device."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    if _ONEDNN.search(words_of(error)):
        return memory.is_short()
    return bool(_MEMORY.search(words_of(error)))


def reason(error: BaseException, limit: int = 200) -> str:
    """An exception's own words on one line; where it has none, its type and where it was raised."""
    lines = [line.strip() for line in words_of(error).splitlines() if line.strip()]
    if lines:
        return lines[0] if len(lines[0]) <= limit else lines[0][: limit - 1] + "…"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}: {frames[-1].line}" if frames else ""
    return f"{type(error).__name__}{place}"
