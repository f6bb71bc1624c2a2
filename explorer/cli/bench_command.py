"""``explorer bench``: measured forward passes and training steps."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli import bench_runs as runs
from explorer.cli.arguments import SetOption, check_model_arguments, parsed_arguments
from explorer.cli.keeping import Keeper
from explorer.cli.names import check_name, chosen_models
from explorer.cli.options import WithOption, find_extras
from explorer.cli.output import print_json
from explorer.errors import RequestError

if TYPE_CHECKING:
    from explorer.protocol import BenchRequest


def bench(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Models as timm takes them, or patterns: 'resnet3*'.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images in a batch.", show_default="1 on the CPU (8 to train), 256 on cuda")
    ] = None,
    img_size: Annotated[
        int | None, typer.Option(help="Height and width of the input in pixels.", show_default="the model's own")
    ] = None,
    in_chans: Annotated[int | None, typer.Option(help="Channels of the input.", show_default="the model's own")] = None,
    num_classes: Annotated[
        int | None, typer.Option(help="Outputs of the classifier; 0: none.", show_default="the model's own")
    ] = None,
    reparam: Annotated[bool, typer.Option("--reparam", help="Fuse the branches of models that can.")] = False,
    arguments: SetOption = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:N or mps.", show_default="cuda, else cpu")] = None,
    dtype: Annotated[
        str | None,
        typer.Option(help="float32, tf32, bfloat16, float16 or amp.", show_default="tf32 where there is, else float32"),
    ] = None,
    memory_format: Annotated[str, typer.Option(help="contiguous or channels_last.")] = "contiguous",
    channels_last: Annotated[bool, typer.Option("--channels-last", help="As --memory-format channels_last.")] = False,
    compile_mode: Annotated[
        str, typer.Option("--compile", metavar="MODE", help="off, default, reduce-overhead or max-autotune.")
    ] = "off",
    cuda_graphs: Annotated[bool, typer.Option("--cuda-graphs", help="Record the pass once, replay it.")] = False,
    cudnn_benchmark: Annotated[
        bool | None,
        typer.Option(
            "--cudnn-benchmark/--no-cudnn-benchmark", help="Let cuDNN try its algorithms.", show_default="on cuda"
        ),
    ] = None,
    fused_attn: Annotated[
        bool | None,
        typer.Option(
            "--fused-attn/--no-fused-attn", help="Use torch's fused attention.", show_default="as timm has it"
        ),
    ] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads.", show_default="torch's choice")] = None,
    inference_mode: Annotated[
        bool, typer.Option("--inference-mode/--no-inference-mode", help="torch.inference_mode, else no_grad.")
    ] = True,
    train: Annotated[
        bool, typer.Option("--train", help="Measure training steps: forward, backward and optimizer.")
    ] = False,
    seconds: Annotated[float, typer.Option(help="Time to measure for, after the warm-up.")] = 3.0,
    iterations: Annotated[int, typer.Option(help="Timed passes, at least.")] = 10,
    backoff: Annotated[
        bool, typer.Option("--backoff/--no-backoff", help="Halve the batch when memory runs out.")
    ] = True,
    roofline: Annotated[
        bool, typer.Option("--roofline/--no-roofline", help="Measure the device's ceilings too.")
    ] = True,
    tune: Annotated[bool, typer.Option("--tune", help="Search the fastest settings; those given are kept.")] = False,
    keep_dtype: Annotated[bool, typer.Option("--keep-dtype", help="With --tune: leave the dtype alone.")] = False,
    tune_seconds: Annotated[float, typer.Option(help="With --tune: past this nothing more is tried.")] = 300.0,
    vs: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="Compare with another model or settings: resnet50, 'dtype=amp,threads=2'."),
    ] = None,
    extra: WithOption = None,
    label: Annotated[str, typer.Option(help="A name for what is measured, in the results.")] = "",
    save: Annotated[bool, typer.Option("--save/--no-save", help="Keep what is measured in the results.")] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write a JSON array, one object a run; of --vs one object.")
    ] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of --json, and end.")] = False,
) -> None:
    """Measure forward passes or training steps of models.

    Latency, throughput, memory, and what the device could do, with random weights; each model in a process of its own.
    """
    if schema:
        from explorer.results.schema import load

        print_json(load("bench" if vs is None else "versus"))
        return
    _check_together(context)
    asked = _requests(context, names or [], arguments or [])
    keeper = Keeper(label, is_wanted=save)
    if tune:
        runs.tune(_the_one(asked, "--tune"), _given(context, keep_dtype), tune_seconds, keeper, as_json=as_json)
    elif vs is not None:
        one = _the_one(asked, "--vs")
        runs.compare(one, _other_side(vs, one), keeper, as_json=as_json)
    else:
        runs.measure(asked, keeper, as_json=as_json)


def _check_together(context: typer.Context) -> None:
    """Refuse options that say nothing together."""
    given = context.params
    if given["tune"] and given["vs"] is not None:
        raise RequestError("--tune and --vs are two things", "leave one of them out")
    if given["keep_dtype"] and not given["tune"]:
        raise RequestError("--keep-dtype goes with --tune", "explorer bench NAME --tune --keep-dtype")


def _requests(context: typer.Context, names: Sequence[str], arguments: Sequence[str]) -> "list[BenchRequest]":
    """A request for each model that is asked for.

    Raises:
        RequestError: there is none, or a value makes no sense.
    """
    from explorer.protocol import BenchRequest

    if not names:
        raise RequestError("no model to measure", "explorer bench NAME...")
    given = {**context.params, "compile": context.params["compile_mode"], "extra": ()}
    if given["channels_last"]:
        given["memory_format"] = "channels_last"
    settings = {field.name: given[field.name] for field in fields(BenchRequest) if field.name in given}
    extras = find_extras(context, context.params["extra"])
    own = tuple((name, str(path)) for name, path in extras)
    first = BenchRequest(names[0], **settings | {"args": parsed_arguments(arguments), "extra": own})
    requests = [replace(first, model=name) for name in chosen_models(names, extras)]
    if not extras:
        for request in requests:
            check_model_arguments(request.model, request.args)
    return requests


def _the_one(requests: "Sequence[BenchRequest]", option: str) -> "BenchRequest":
    if len(requests) > 1:
        raise RequestError(f"{option} takes one model, not {len(requests)}", "name one")
    return requests[0]


def _other_side(spec: str, request: "BenchRequest") -> "BenchRequest":
    from explorer.cli.bench_spec import other_side

    other = other_side(spec, request)
    if other == request:
        raise RequestError(f"--vs {spec} is the very same measurement", "name another model or setting")
    if other.model != request.model and not request.extra:
        check_name(other.model)
    return other


def _given(context: typer.Context, keep_dtype: bool) -> list[str]:
    """The settings that are named on the command line, and so are not for the search to change."""
    from explorer.protocol import TUNED

    options = {"compile": ["compile_mode"], "memory_format": ["memory_format", "channels_last"]}
    kept = [name for name in TUNED if any(_is_named(context, option) for option in options.get(name, [name]))]
    return list(dict.fromkeys([*kept, "dtype"])) if keep_dtype else kept


def _is_named(context: typer.Context, parameter: str) -> bool:
    source: Any = context.get_parameter_source(parameter)
    return bool(source and source.name == "COMMANDLINE")
