"""``explorer bench``: measured forward passes of one model."""

from typing import Annotated

import typer

from explorer.cli.names import check_name
from explorer.cli.narrator import narrator
from explorer.cli.options import WithOption, find_extras


def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A model, as timm takes it: resnet34, resnet34.a1_in1k.")],
    img_size: Annotated[
        int | None,
        typer.Option(help="Height and width of the input in pixels.", show_default="the model's own"),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images in a batch.", show_default="1 on the CPU, 64 elsewhere")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:N or mps.", show_default="cuda, else cpu")] = None,
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    seconds: Annotated[float, typer.Option(help="Time to measure for, after the warm-up.")] = 3.0,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    extra: WithOption = None,
) -> None:
    """Measure forward passes of a model.

    Latency, throughput and memory, with random weights, in a process of its own.
    """
    from explorer.cli.output import print_facts, print_json
    from explorer.engine.client import Client
    from explorer.engine.protocol import BenchRequest
    from explorer.results.report import bench_facts

    extras = tuple((n, str(path)) for n, path in find_extras(context, extra))
    request = BenchRequest(name, batch_size, img_size, device, dtype, seconds, extras)
    if not extras:
        check_name(name)
    with Client() as client, narrator() as narrate:
        result = client.run(request, narrate)
    if as_json:
        print_json(result.to_json())
    else:
        print_facts(bench_facts(result))
