"""What small torch modules cost, run on both devices, and what timm's published table says of models."""

import csv
from pathlib import Path

import pytest

from explorer.protocol.inspect import InspectRequest
from explorer.worker.counting.operator_costs import Cost

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional

pytestmark = pytest.mark.xdist_group("torch")

PUBLISHED = Path(__file__).parents[4] / "shared" / "data" / "published-metrics.csv"


class Lambda(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def counted(model, *shapes, device="cpu"):
    from explorer.worker.counting import count

    with torch.no_grad():
        return count(model.to(device).eval(), *(torch.zeros(shape, device=device) for shape in shapes))


def attend(query, key, value):
    return functional.scaled_dot_product_attention(query, key, value)


CASES = {
    "conv": (lambda: nn.Conv2d(3, 4, 3), [(2, 3, 8, 8)], Cost(7776, 7776, 288)),
    "conv-same": (lambda: nn.Conv2d(3, 4, 3, padding="same"), [(1, 3, 8, 8)], Cost(6912, 0, 0)),
    "conv-same-1d": (lambda: nn.Conv1d(2, 2, 5, padding="same", groups=2), [(1, 2, 8)], Cost(80, 0, 0)),
    "conv-valid-by-keyword": (
        lambda: Lambda(lambda x, weight: functional.conv2d(x, weight, padding="valid")),
        [(1, 3, 8, 8), (4, 3, 3, 3)],
        Cost(3888, 0, 0),
    ),
    "conv-grouped": (lambda: nn.Conv2d(4, 8, 1, groups=2), [(1, 4, 5, 5)], Cost(400, 400, 200)),
    "conv-3d": (lambda: nn.Conv3d(1, 2, 2), [(1, 1, 3, 3, 3)], Cost(128, 128, 16)),
    "conv-transposed": (lambda: nn.ConvTranspose2d(3, 5, 2, stride=2), [(1, 3, 4, 4)], Cost(960, 960, 320)),
    "linear": (lambda: nn.Linear(3, 7), [(2, 3)], Cost(42, 42, 14)),
    "linear-3d": (lambda: nn.Linear(3, 7, bias=False), [(2, 5, 3)], Cost(210, 210, 70)),
    "matmul": (lambda: Lambda(torch.matmul), [(2, 4, 5, 3), (2, 4, 3, 7)], Cost(840, 840, 280)),
    "matmul-broadcast": (lambda: Lambda(torch.matmul), [(2, 4, 5, 3), (3, 7)], Cost(840, 840, 280)),
    "matrix-times-vector": (lambda: Lambda(torch.matmul), [(5, 3), (3,)], Cost(15, 15, 5)),
    "bmm": (lambda: Lambda(torch.bmm), [(2, 5, 3), (2, 3, 7)], Cost(210, 210, 70)),
    "baddbmm": (lambda: Lambda(torch.baddbmm), [(2, 5, 7), (2, 5, 3), (2, 3, 7)], Cost(210, 0, 0)),
    "addbmm": (lambda: Lambda(torch.addbmm), [(5, 7), (2, 5, 3), (2, 3, 7)], Cost(210, 0, 0)),
    "mm": (lambda: Lambda(torch.mm), [(5, 3), (3, 7)], Cost(105, 105, 0)),
    "einsum": (
        lambda: Lambda(lambda a, b: torch.einsum("bhnd,bhmd->bhnm", a, b)),
        [(2, 4, 5, 3), (2, 4, 7, 3)],
        Cost(840, 840, 280),
    ),
    "attention": (lambda: Lambda(attend), [(2, 4, 5, 8), (2, 4, 6, 8), (2, 4, 6, 8)], Cost(3840, 3840, 560)),
    "multihead-attention": (
        lambda: Lambda(nn.MultiheadAttention(8, 2, batch_first=True)),
        [(1, 5, 8), (1, 5, 8), (1, 5, 8)],
        Cost(1280 + 400, 1280 + 400, 160 + 50 + 40),
    ),
    "lstm": (lambda: nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True), [(2, 5, 3)], Cost(6080, 0, 0)),
    "gru": (lambda: nn.GRU(3, 4), [(5, 2, 3)], Cost(840, 0, 0)),
    "lstm-cell": (lambda: nn.LSTMCell(3, 4), [(2, 3)], Cost(224, 224, 64)),
    "gru-cell": (lambda: nn.GRUCell(3, 4), [(2, 3)], Cost(168, 168, 48)),
    "rnn-cell": (lambda: nn.RNNCell(3, 4), [(2, 3)], Cost(56, 56, 16)),
    "batch-norm": (lambda: nn.BatchNorm2d(3), [(2, 3, 4, 4)], Cost(0, 192, 0)),
    "batch-norm-of-the-batch": (lambda: nn.BatchNorm2d(3, track_running_stats=False), [(2, 3, 4, 4)], Cost(0, 480, 0)),
    "layer-norm": (lambda: nn.LayerNorm(4), [(2, 3, 4)], Cost(0, 120, 0)),
    "layer-norm-plain": (lambda: nn.LayerNorm(4, elementwise_affine=False), [(2, 3, 4)], Cost(0, 96, 0)),
    "group-norm": (lambda: nn.GroupNorm(2, 4), [(1, 4, 3, 3)], Cost(0, 180, 0)),
    "instance-norm": (lambda: nn.InstanceNorm2d(3), [(2, 3, 4, 4)], Cost(0, 384, 0)),
    "instance-norm-as-trained": (
        lambda: nn.InstanceNorm2d(3, affine=True, track_running_stats=True),
        [(2, 3, 4, 4)],
        Cost(0, 480, 0),
    ),
    "adaptive-pooling-to-one": (lambda: nn.AdaptiveAvgPool2d(1), [(1, 3, 7, 7)], Cost(0, 147, 0)),
    "adaptive-pooling": (lambda: nn.AdaptiveAvgPool2d(2), [(1, 3, 7, 7)], Cost(0, 147, 0)),
    "mean": (lambda: Lambda(lambda x: x.mean((2, 3))), [(1, 3, 7, 7)], Cost(0, 0, 0)),
    "nearest": (lambda: nn.Upsample(scale_factor=2), [(1, 3, 4, 4)], Cost(0, 192, 0)),
    "bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), [(1, 3, 4, 4)], Cost(0, 768, 0)),
    "grid-sample": (
        lambda: Lambda(lambda x, grid: functional.grid_sample(x, grid, align_corners=False)),
        [(1, 3, 4, 4), (1, 5, 5, 2)],
        Cost(0, 300, 0),
    ),
}


@pytest.mark.parametrize("device", ["meta", "cpu"])
@pytest.mark.parametrize("case", CASES)
def test_an_operator_costs_the_same_on_every_device(case, device):
    make, shapes, cost = CASES[case]
    assert counted(make(), *shapes, device=device).total == cost


def test_attention_fused_on_the_cpu_costs_what_it_does_written_out():
    query = torch.zeros(1, 3, 197, 64)
    fused = counted(Lambda(attend), *[query.shape] * 3)
    assert any("scaled_dot_product" in str(op) for op in operators_of(attend, query))
    written = counted(Lambda(lambda q, k, v: (q @ k.transpose(-2, -1)).softmax(-1) @ v), *[query.shape] * 3)
    assert fused.total == written.total


class Difference(nn.Module):
    """Attention of 2 heads minus that of 2 others, to 5 tokens of 8 channels; what to take of it comes after."""

    def __init__(self, fused_attn):
        super().__init__()
        self.fused_attn = fused_attn
        self.proj = nn.Linear(8, 8)

    def forward(self, query, key, value):
        if self.fused_attn:
            one, other = (attend(query[:, i : i + 2], key[:, i : i + 2], value) for i in (0, 2))
            return self.proj(one - other)
        weights = (query @ key.transpose(-2, -1)).softmax(-1)
        return self.proj((weights[:, :2] - weights[:, 2:]) @ value)


QUERIES_OF_FOUR = [(1, 4, 5, 3), (1, 4, 5, 3), (1, 2, 5, 8)]


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_fvcore_has_attention_as_it_is_written_out(device):
    fused, written = (counted(Difference(is_fused), *QUERIES_OF_FOUR, device=device) for is_fused in (True, False))
    assert (fused.total.macs, written.total.macs) == (4 * 75 + 4 * 200 + 640, 4 * 75 + 2 * 200 + 640)
    assert fused.total[1:] == written.total[1:] == (1340, 4 * 25 + 2 * 40 + 80)
    ours, theirs = (
        tally for tallies in (fused, written) for tally in tallies.tallies.values() if tally.own != tally.cost
    )
    assert ours.own[1:] == theirs.own[1:] == (700, 180)


def test_a_model_is_left_with_its_attention_fused():
    model = Difference(True)
    counted(model, *QUERIES_OF_FOUR)
    assert model.fused_attn is True


def operators_of(function, tensor):
    """The operators that a function of three tensors runs as."""
    from torch.utils._python_dispatch import TorchDispatchMode

    seen = []

    class Seen(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            seen.append(func)
            return func(*args, **(kwargs or {}))

    with torch.no_grad(), Seen():
        function(tensor, tensor, tensor)
    return seen


def test_operators_that_compute_uncounted_are_named():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.ReLU(), nn.Flatten(), nn.Softmax(1))
    assert counted(model, (1, 3, 8, 8)).uncounted == {"aten._softmax": 1, "aten.native_batch_norm": 1, "aten.relu": 2}


def test_moves_views_and_whole_numbers_are_no_computation():
    def moved(x):
        index = torch.arange(4) * 2
        return torch.cat([x[:, index].clone().transpose(0, 1).reshape(-1), x.new_zeros(3)]).to(torch.float16)

    assert counted(Lambda(moved), (2, 8)).uncounted == {}


class Twice(nn.Module):
    """Two modules that share a third."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(4, 4)
        self.left, self.right = nn.Sequential(self.shared), nn.Sequential(self.shared, nn.Linear(4, 2))

    def forward(self, x):
        return self.right(self.left(x)), {"product": x @ x.transpose(0, 1)}


def test_a_shared_module_counts_inside_whatever_called_it():
    model = Twice()
    tallies = counted(model, (3, 4)).tallies
    assert tallies[model].cost.macs == 48 + 48 + 24 + 36
    assert tallies[model].own.macs == 36
    assert (tallies[model.shared].calls, tallies[model.shared].cost.macs) == (2, 96)
    assert (tallies[model.left].cost.macs, tallies[model.right].cost.macs) == (48, 72)
    assert sum(tally.own.macs for tally in tallies.values()) == tallies[model].cost.macs


def test_shapes_are_nested_as_the_tensors_are():
    model = Twice()
    tallies = counted(model, (3, 4)).tallies
    assert (tallies[model].inputs, tallies[model].output) == ((3, 4), ((3, 2), ((3, 3),)))
    assert tallies[model].output_bytes == (6 + 9) * 4


class Again(nn.Module):
    """Calls itself."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x, depth=0):
        return self(self.fc(x), depth + 1) if depth < 3 else x


def test_a_module_that_calls_itself_counts_once():
    model = Again()
    tally = counted(model, (1, 4)).tallies[model]
    assert (tally.calls, tally.cost.macs, tally.own.macs) == (4, 48, 0)


def test_nothing_is_left_on_modules_that_were_watched():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].forward = plain = lambda x: x
    counted(model, (1, 4))
    assert ("forward" in vars(model[0]), vars(model[1])["forward"]) == (False, plain)


def test_no_hook_and_no_mode_is_left_when_the_model_fails():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(3, 3))
    with pytest.raises(RuntimeError):
        counted(model, (1, 4))
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())
    assert counted(model[0], (1, 4)).total.macs == 16


def test_totals_alone_tell_no_modules():
    from explorer.worker.counting import count

    with torch.no_grad():
        found = count(nn.Linear(4, 4), torch.zeros(1, 4), by_module=False)
    assert (found.total.macs, found.tallies) == (16, {})


def published_rows(limit_params=40, limit_gmacs=6, wanted=40):
    """A spread of the published table: every so many of its small models."""
    with PUBLISHED.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    small = [r for r in rows if float(r["param_count"]) < limit_params and float(r["infer_gmacs"]) < limit_gmacs]
    return small[:: max(1, len(small) // wanted)]


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="timm's published table is not beside the repository")
def test_counts_are_those_of_the_published_table(torch_client):
    wrong = {}
    for row in published_rows():
        request = InspectRequest(row["model"], img_size=int(row["infer_img_size"]), totals_only=True)
        totals = torch_client.run(request).totals
        ours = (totals.params / 1e6, totals.macs_fvcore / 1e9, totals.activations / 1e6)
        published = tuple(float(row[name]) for name in ("param_count", "infer_gmacs", "infer_macts"))
        allowed = (0.006, 0.006 + 0.005 * published[1], 0.006 + 0.005 * published[2])
        if any(abs(a - b) > limit for a, b, limit in zip(ours, published, allowed, strict=True)):
            wrong[row["model"]] = (ours, published)
    assert not wrong
