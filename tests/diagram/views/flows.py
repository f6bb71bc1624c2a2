"""Recorded passes as the worker hands them over, of small models made up here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from explorer.protocol.flow import FlowCall, FlowLevel, FlowModule, FlowOperator, FlowResult, FlowTensor

Shape = tuple[int, ...]


class FlowMaker:
    """Records a model by running it by hand: calls are opened with ``call``, operators run with ``run``."""

    def __init__(self, image: Shape = (1, 3, 8, 8)) -> None:
        self.input = FlowTensor(-1, image)
        self._modules: dict[str, FlowModule] = {}
        self._calls: list[FlowCall] = []
        self._operators: list[FlowOperator] = []
        self._running: list[int] = []

    @contextmanager
    def call(
        self, path: str, class_name: str, taken: FlowTensor, source: str = "", params: int = 0, shared_with: str = ""
    ) -> Iterator[None]:
        """Everything inside runs in this module; what the last operator gives is its output."""
        row = FlowModule(path, class_name, source or f"timm.models.net:{class_name}", "", params, params, shared_with)
        self._modules.setdefault(path, row)
        index, start = len(self._calls), len(self._operators)
        parent = self._running[-1] if self._running else -1
        module = list(self._modules).index(path)
        self._calls.append(FlowCall(module, parent, start, start, (taken,), ()))
        self._running.append(index)
        yield
        self._running.pop()
        given = self.last if len(self._operators) > start else taken
        self._calls[index] = self._calls[index]._replace(stop=len(self._operators), outputs=(given,))

    @property
    def last(self) -> FlowTensor:
        """What the last operator gave."""
        return FlowTensor(len(self._operators) - 1, self._operators[-1].outputs[0])

    def run(
        self,
        name: str,
        *taken: FlowTensor,
        shape: Shape | None = None,
        macs: int = 0,
        is_move: bool = False,
        weights: Sequence[str] = (),
        scalars: Sequence[tuple[str, str]] = (),
    ) -> FlowTensor:
        """An operator; its output has the shape of its first input where none is given."""
        outputs = (shape or taken[0].shape,)
        besides = tuple(weights), tuple(scalars)
        self._operators.append(FlowOperator(name, self._running[-1], taken, outputs, macs, is_move, *besides))
        return self.last

    def layer(
        self,
        path: str,
        class_name: str,
        taken: FlowTensor,
        shape: Shape | None = None,
        params: int = 0,
        shared_with: str = "",
    ) -> FlowTensor:
        """A module that is one operator, with as many MACs as it has parameters."""
        with self.call(path, class_name, taken, f"torch.nn.modules:{class_name}", params, shared_with):
            return self.run(class_name.lower(), taken, shape=shape, macs=params)

    def silent(self, path: str, class_name: str, taken: FlowTensor) -> FlowTensor:
        """A module that does nothing."""
        with self.call(path, class_name, taken):
            return taken

    def result(self, *outputs: FlowTensor, levels: Sequence[FlowLevel] = ()) -> FlowResult:
        """The whole pass."""
        total = sum(module.own_params for module in self._modules.values())
        first, *others = self._modules.values()
        return FlowResult(
            model="net",
            device="meta",
            built_on="meta",
            modules=[first._replace(params=total), *others],
            calls=self._calls,
            operators=self._operators,
            inputs=[self.input.shape],
            outputs=outputs or (self.last,),
            levels=levels,
            seconds=0.1,
            settings={},
            environment={"timm": "1.0.31"},
        )


def block(maker: FlowMaker, path: str, taken: FlowTensor, channels: int, params: int = 100) -> FlowTensor:
    """Two convolutions with norm and activation, and what went in added to what comes out."""
    shape = (1, channels, *taken.shape[2:])
    with maker.call(path, "Block", taken):
        one = maker.layer(f"{path}.conv1", "Conv2d", taken, shape, params)
        two = maker.layer(f"{path}.norm1", "BatchNorm2d", one)
        three = maker.layer(f"{path}.act1", "ReLU", two)
        maker.silent(f"{path}.drop", "Identity", three)
        four = maker.layer(f"{path}.conv2", "Conv2d", three, shape, params)
        return maker.run("add", four, taken)


def residual_net(blocks: int = 3, channels: Sequence[int] = (16,)) -> FlowResult:
    """A stem, stages of blocks, a head; a stage with other channels begins with a convolution to them."""
    maker = FlowMaker()
    with maker.call("", "Net", maker.input):
        x = maker.layer("stem", "Conv2d", maker.input, (1, channels[0], 8, 8), 50)
        for stage, width in enumerate(channels):
            if x.shape[1] != width:
                x = maker.layer(f"wider{stage}", "Conv2d", x, (1, width, 8, 8), 60)
            with maker.call(f"stage{stage}", "Sequential", x):
                for number in range(blocks):
                    x = block(maker, f"stage{stage}.{number}", x, width)
        x = maker.run("mean", x, shape=(1, channels[-1]))
        maker.layer("head", "Linear", x, (1, 10), 170)
    levels = [FlowLevel(i, f"stage{i}", width, 4 * 2**i) for i, width in enumerate(channels)]
    return maker.result(levels=levels)
