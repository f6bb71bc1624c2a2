"""A search for the fastest settings: its steps and outcome, and the settings found as commands and as Python."""

import ast
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import fields

from explorer.protocol.bench import BenchRequest, BenchResult
from explorer.protocol.tune import OutputDifference, TuneResult, TuneStep, TuneSummary
from explorer.report.measurement_report import Facts, brief, rate, ratio_sentence, setting_value
from explorer.report.wording import significant

STEP_HEADERS = ("tried", "samples/s", "gain", "95 %", "kept", "off by", "top-1", "note")
"""Of the table of what was tried, a row each, as :func:`step_row` makes it.

``off by`` is the largest difference from the outputs in eager float32, in parts of their range, and ``top-1`` the share
of images with the same highest class.
"""

_WIDE = 100
"""Columns from which on the intervals fit."""


def step_table(steps: Sequence[TuneStep], width: int | None) -> tuple[list[str], list[list[str]], list[str]]:
    """Headers and cells of what was tried, and lines to be set below them.

    Args:
        steps: what was tried.
        width: the terminal's columns; ``None``: whatever is needed. On a terminal notes come as lines, and a narrow one
            has no intervals.
    """
    left_out = {"note"} if width is not None else set()
    if width is not None and width < _WIDE:
        left_out.add("95 %")
    kept = [i for i, header in enumerate(STEP_HEADERS) if header not in left_out]
    notes = [f"{_tried(step)}: {step.note}" for step in steps if step.note] if width is not None else []
    return [STEP_HEADERS[i] for i in kept], [[step_row(step)[i] for i in kept] for step in steps], notes


def step_row(step: TuneStep) -> list[str]:
    """One value that was tried."""
    differs = step.difference
    return [
        _tried(step),
        "–" if step.samples_per_sec is None else significant(step.samples_per_sec),
        "–" if step.ratio is None else _gain(step.ratio),
        "–" if step.ratio_low is None else f"{step.ratio_low:.3f}–{step.ratio_high:.3f}",
        "yes" if step.is_kept else "no",
        "–" if differs is None or differs.relative is None else _small(differs.relative),
        "–" if differs is None or differs.top1_agreement is None else f"{differs.top1_agreement:.0%}",
        step.note,
    ]


def _tried(step: TuneStep) -> str:
    return f"{step.setting} {setting_value(step.value)}"


def _small(part: float) -> str:
    return f"{part:.1e}" if part else "0"


def _gain(ratio: float) -> str:
    return f"{(ratio - 1) * 100:+.1f} %"


def step_line(step: TuneStep) -> str:
    """One value that was tried, on a line of its own, as told while the search goes on."""
    if step.ratio is None or step.samples_per_sec is None:
        return f"{_tried(step)}: {step.note}"
    verdict = "kept" if step.is_kept else "left"
    parts = [f"{_tried(step)}: {rate(step.samples_per_sec)}, {_gain(step.ratio)}, {verdict}", step.note]
    if step.difference is not None and step.difference.relative is not None:
        parts.insert(1, f"off by {_small(step.difference.relative)} of the range")
    return "; ".join(filter(None, parts))


def _difference_sentence(difference: OutputDifference | None) -> str:
    if difference is None:
        return "not compared with those of float32"
    if difference.max_abs is None or difference.relative is None:
        return "not finite, where those of float32 are"
    images = f"{difference.images} image{'s' if difference.images > 1 else ''}"
    if difference.max_abs == 0:
        return f"the same as those of eager float32, on {images}"
    top1 = difference.top1_agreement
    same = "" if top1 is None else f"; the highest class is the same for {top1:.0%}"
    largest = f"at most {difference.max_abs:.2e}, {difference.relative:.2e} of their range"
    return f"differ from those of eager float32 by {largest}, on {images}{same}"


def tune_facts(result: TuneResult) -> Facts:
    """What the search ends with; the steps are a table of their own."""
    facts: Facts = [("defaults", brief(result.baseline))]
    if result.is_faster:
        facts += [("tuned", brief(result.tuned))]
        sentence = ratio_sentence("tuned", "the defaults", result.ratio, result.ratio_low, result.ratio_high)
        facts += [("", f"{sentence}, {result.rounds} rounds")]
    else:
        facts += [("tuned", f"nothing is faster than the defaults: {_why_not(result)}")]
    return [*facts, ("outputs", _difference_sentence(result.difference)), ("took", f"{result.seconds:.0f} s")]


def _why_not(result: TuneResult) -> str:
    if not result.rounds:
        return "no step was kept"
    held = f"{result.ratio:.3f} (95 %: {result.ratio_low:.3f} to {result.ratio_high:.3f})"
    return f"what was kept did not hold at the end, {held} in {result.rounds} rounds"


def recipe_lines(result: TuneResult) -> list[str]:
    """The setting as the command line and as Python."""
    return [command(result.request), "", *python(result.request, result.tuned, result.model_args).splitlines()]


def tune_json(result: TuneResult) -> dict[str, Any]:
    """The tuned measurement as any other, with the search under ``tune``."""
    summary = TuneSummary(
        **{name: getattr(result, name) for name in TuneSummary.__struct_fields__ if hasattr(result, name)},
        command=command(result.request),
        python=python(result.request, result.tuned, result.model_args),
    )
    return {**result.tuned.to_json(), "tune": summary.to_json()}


# the settings found, as a command line and as Python

_FLAGS = ("cuda_graphs", "train", "reparam")
"""Settings that are off unless their option is given."""

_SWITCHES = ("cudnn_benchmark", "fused_attn", "inference_mode", "backoff", "roofline")
"""Settings with an option for on and one for off."""


def command(request: BenchRequest) -> str:
    """The command line of a request, for a POSIX shell; settings that are as they are by default are left out."""
    words = ["explorer", "bench", request.model]
    for field in fields(request):
        value = getattr(request, field.name)
        if field.name not in ("model", "args", "extra") and value != field.default:
            words += _option(field.name, value)
    for name, value in request.args.items():
        words += ["--set", f"{name}={_literal(value)}"]
    for _, path in request.extra:
        words += ["--with", path]
    return shlex.join(words)


def _option(name: str, value: object) -> list[str]:
    option = name.replace("_", "-")
    if name in _FLAGS:
        return [f"--{option}"]
    if name in _SWITCHES:
        return [f"--{option}" if value else f"--no-{option}"]
    return [f"--{option}", str(value)]


def _literal(value: object) -> str:
    """A model argument as ``--set`` reads it: a text as it is where it cannot be taken for a literal."""
    if not isinstance(value, str):
        return repr(value)
    try:
        ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value
    return repr(value)


def python(request: BenchRequest, result: BenchResult, model_args: Mapping[str, Any]) -> str:
    """The lines of Python that run a pass with the settings of a measurement, on random weights and input.

    They need torch and timm and nothing of ours; ``model``, ``images`` and ``output`` are what one goes on with.

    Args:
        request: what was asked for.
        result: what came of it: the device, the batch and the size of the input are the ones measured.
        model_args: what ``create_model`` is given beside the name.
    """
    run = _training(request, result) if request.train else _passing(request, result)
    blocks = (_imports(request), _switches(request, result), _model(request, result, model_args), run)
    return "\n\n".join("\n".join(lines) for block in blocks if (lines := list(block))) + "\n"


def _imports(request: BenchRequest) -> Iterator[str]:
    if request.extra:
        yield "import sys"
    yield "import timm.optim" if request.train else "import timm"
    yield "import torch"
    for name, path in request.extra:
        yield f"sys.path.append({str(Path(path).absolute().parent)!r})"
        yield f"import {name}"


def _switches(request: BenchRequest, result: BenchResult) -> Iterator[str]:
    """What holds for the whole process."""
    if request.fused_attn is not None:
        yield f"timm.layers.set_fused_attn({request.fused_attn})"
    if request.threads is not None:
        yield f"torch.set_num_threads({request.threads})"
    if result.device.startswith("cuda"):
        allowed = result.dtype == "tf32"
        yield f"torch.set_float32_matmul_precision({'high' if allowed else 'highest'!r})"
        yield f"torch.backends.cudnn.allow_tf32 = {allowed}"
        if request.cudnn_benchmark is not None:
            yield f"torch.backends.cudnn.benchmark = {request.cudnn_benchmark}"


def _model(request: BenchRequest, result: BenchResult, model_args: Mapping[str, Any]) -> Iterator[str]:
    arguments = "".join(f", {name}={value!r}" for name, value in model_args.items())
    mode = "train" if request.train else "eval"
    yield f"model = timm.create_model({result.model!r}, pretrained=False{arguments}).{mode}()"
    if request.reparam:
        yield "model = timm.utils.reparameterize_model(model)"
    yield f"model = model.to({_placed(result)})"
    if request.memory_format == "channels_last":
        yield "model = model.to(memory_format=torch.channels_last)"
    if request.compile != "off":
        yield f"model = torch.compile(model, mode={request.compile!r})"
    height, width = (result.img_size,) * 2 if isinstance(result.img_size, int) else result.img_size
    shape = f"{result.batch_size}, {result.in_chans}, {height}, {width}"
    yield f"images = torch.randn({shape}, {_placed(result)})"
    if request.memory_format == "channels_last":
        yield "images = images.to(memory_format=torch.channels_last)"


def _passing(request: BenchRequest, result: BenchResult) -> Iterator[str]:
    grad_off = "torch.inference_mode()" if request.inference_mode else "torch.no_grad()"
    around = f"with {grad_off}{_autocast(result)}:"
    if not request.cuda_graphs:
        yield from (around, "    output = model(images)")
        return
    yield "stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()"
    yield around
    yield "    with torch.cuda.stream(stream):"
    yield "        for _ in range(3):"
    yield "            model(images)"
    yield "    torch.cuda.synchronize()"
    yield "    with torch.cuda.graph(graph):"
    yield "        output = model(images)"
    yield "graph.replay()  # writes the outputs for what images holds into output"


def _training(request: BenchRequest, result: BenchResult) -> Iterator[str]:
    """One step, against random labels where the model classifies, else a random target."""
    scaled = result.dtype == "amp" and result.device.startswith("cuda")
    classifies = str(result.settings.get("loss")).startswith("cross-entropy")
    yield "optimizer = timm.optim.create_optimizer_v2(model, opt='sgd', lr=1e-4)"
    if scaled:
        yield "scaler = torch.amp.GradScaler()"
    context = _autocast(result).removeprefix(", ")
    indent = "    " if context else ""
    if context:
        yield f"with {context}:"
    yield f"{indent}output = model(images)"
    if classifies:
        yield f"{indent}target = torch.randint(output.shape[1], output.shape[:1], device=output.device)"
        yield f"{indent}loss = torch.nn.functional.cross_entropy(output, target)"
    else:
        yield f"{indent}loss = torch.nn.functional.mse_loss(output, torch.randn_like(output))"
    yield "scaler.scale(loss).backward()" if scaled else "loss.backward()"
    yield from ("scaler.step(optimizer)", "scaler.update()") if scaled else ("optimizer.step()",)
    yield "optimizer.zero_grad()"


def _autocast(result: BenchResult) -> str:
    if result.dtype != "amp":
        return ""
    device = result.device.partition(":")[0]
    return f", torch.autocast({device!r}, dtype=torch.{'float16' if device == 'cuda' else 'bfloat16'})"


def _placed(result: BenchResult) -> str:
    dtype = result.dtype if result.dtype in ("bfloat16", "float16") else "float32"
    return f"device={result.device!r}, dtype=torch.{dtype}"
