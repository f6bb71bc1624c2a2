from typing import Any

import pytest
from msgspec.structs import replace

from explorer.protocol.bench import CompileTimes, GpuReadings, Latency, TrainTimes, VersusResult
from explorer.protocol.tune import OutputDifference, TuneStep
from explorer.report.measurement_report import (
    TABLE_HEADERS,
    bench_facts,
    common_settings,
    ratio_sentence,
    settings_line,
    table_row,
    versus_facts,
    versus_rows,
)
from explorer.report.tuning_report import STEP_HEADERS, step_line, step_row, step_table
from explorer.report.wording import mebibytes, milliseconds, significant, size
from tests.tui.samples import result

LATENCY = Latency(2.0, 3.0, 4.0, 2.1, 1.9, 5.0, 0.1, 1.95, 2.05)


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "0.123"), (1.2345, "1.23"), (12.345, "12.3"), (123.45, "123"), (12345.6, "12,346")]
)
def test_three_significant_digits(value: float, text: str) -> None:
    assert significant(value) == text


def test_units() -> None:
    assert milliseconds(12.3) == "12.3 ms"
    assert mebibytes(1 << 30) == "1,024"
    assert (size(224), size((1024, 768))) == ("224×224", "1024×768")


def facts_of(**changes: Any) -> dict[str, str]:
    """The fact sheet of the sample with changes; lines that go on are joined to what they go on from."""
    found: dict[str, str] = {}
    name = ""
    for given, value in bench_facts(replace(result(), **changes)):
        name = given or name
        found[name] = f"{found[name]} / {value}" if name in found else value
    return found


def test_a_measurement_says_all_that_it_depends_on() -> None:
    facts = facts_of()

    assert facts["latency"].startswith(
        "p50 12.3 ms (95 %: 12.2 to 12.4) / p90 13.0, p99 14.0 ms / min 11.9, max 15.0 ms"
    )
    assert facts["throughput"] == "81.3 samples/s"
    assert facts["input"] == "batch of 1, 3×64×64, float32"
    assert facts["memory"] == "512 MiB peak resident memory of the worker process"
    assert facts["measured"].startswith("240 passes in 1.51 s one by one, 123 in 1.51 s queued / after 80 to warm up")
    assert "contiguous, 2 CPU threads" in facts["settings"]
    assert facts["an image"] == "0.099 GMACs (0.099 as fvcore counts), 1.23 M activations"
    assert facts["roofline"].startswith("16.0 GFLOP/s, 16.0% of the 100 GFLOP/s that matrix products reach here")


@pytest.mark.parametrize("name", ["macs", "macs_fvcore", "activations", "roofline", "gpu", "train", "compile"])
def test_what_is_not_known_is_not_told(name: str) -> None:
    assert "None" not in " ".join(facts_of(**{name: None}).values())


def test_a_gpu_has_settings_of_its_own() -> None:
    settings = {"cudnn_benchmark": True, "float32_matmul_precision": "high"}

    assert settings_line(settings, "cuda:0") == "cudnn.benchmark on, matmul precision high"
    assert settings_line(settings, "cpu") == ""


def test_settings_that_are_off_are_told_too() -> None:
    told = settings_line({"inference_mode": False, "compile": "off", "args": {"drop_rate": 0.1}}, "cpu")

    assert told == "inference mode off, compile off, drop_rate=0.1"


def test_a_place_that_is_not_known_is_shown_as_it_came() -> None:
    facts = facts_of(memory_kind="other", memory_before_bytes=1 << 20)

    assert facts["memory"] == "512 MiB other; 1 MiB before the model was built"


def test_a_batch_that_did_not_fit_is_told() -> None:
    facts = facts_of(batch_size=128, batch_size_requested=256)

    assert facts["input"] == "batch of 128 (256 asked for: out of memory), 3×64×64, float32"


def test_a_training_step_is_told_in_its_parts() -> None:
    facts = facts_of(mode="train", train=TrainTimes(LATENCY, LATENCY, LATENCY, "SGD(lr=0.1)"))

    assert facts["step"] == (
        "forward 2.00 ms, backward 2.00 ms, / optimizer 2.00 ms (SGD(lr=0.1)); medians, each waited for"
    )
    assert "a training step counts as three passes" in facts["roofline"]


def test_compiling_is_told_apart() -> None:
    facts = facts_of(compile=CompileTimes(12.3, 4.5))

    assert facts["compile"] == "first pass 12.3 s with empty caches, 4.50 s with filled ones"


def test_a_gpu_tells_power_clocks_and_what_held_it_back() -> None:
    read = GpuReadings(312.0, 0.456, 1755.0, 1980.0, 2619.0, 64.0, ["software power cap"])
    facts = facts_of(gpu=read, samples_per_sec_cuda=80.0, latency_cuda_ms=LATENCY)

    assert facts["GPU"].startswith("312 W, 0.456 J a sample, at most 64.0 °C / SM clock 1,755")
    assert facts["GPU"].endswith("throttled: software power cap")
    assert facts["throughput"] == "81.3 samples/s / by CUDA events: 80.0 samples/s"
    silent = facts_of(gpu=GpuReadings(None, None, None, None, None, None, []))
    assert silent["GPU"] == "not throttled"


def test_a_warm_up_that_did_not_settle_is_told() -> None:
    assert "not stable yet" in facts_of(warmup_stable=False)["measured"]


def test_a_row_has_a_cell_for_each_header() -> None:
    assert len(table_row(result())) == len(TABLE_HEADERS)
    unknown = dict(zip(TABLE_HEADERS, table_row(replace(result(), macs=None, roofline=None)), strict=True))
    assert (unknown["GMACs"], unknown["share"]) == ("–", "–")


def test_what_measurements_have_in_common() -> None:
    other = replace(result(), dtype="amp")

    assert dict(common_settings([result(), other]))["dtype"] == "differ"
    assert dict(common_settings([result(), other]))["device"] == "cpu (a CPU)"


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((1.234, 1.21, 1.25), "A is 1.23× as fast as B (95 %: 1.21 to 1.25)"),
        ((0.5, 0.4, 0.8), "B is 2.00× as fast as A (95 %: 1.25 to 2.50)"),
        ((1.0123, 1.0111, 1.02), "A is 1.012× as fast as B (95 %: 1.011 to 1.020)"),
        ((1.01, 0.99, 1.02), "no difference shown: A over B is 1.010 (95 %: 0.990 to 1.020)"),
    ],
    ids=["faster", "slower", "little", "none"],
)
def test_a_ratio_in_words(figures: tuple[float, float, float], said: str) -> None:
    assert ratio_sentence("A", "B", *figures) == said


def test_a_comparison_tells_what_differs_and_what_does_not() -> None:
    other = replace(result("toy_large"), settings={"memory_format": "channels_last", "threads": 2})
    compared = VersusResult(result(), other, 1.2, 1.1, 1.3, 9)

    assert ["memory format", "contiguous", "channels_last"] in versus_rows(compared)
    assert dict(versus_facts(compared))["alike"] == "2 CPU threads"


def test_a_step_that_was_measured_and_one_that_was_not() -> None:
    differs = OutputDifference(0.5, 0.01, 0.875, True, 8)
    kept = TuneStep("dtype", "amp", 120.0, 1.5, 1.4, 1.6, True, differs, "", 2.0)
    left = TuneStep("compile", "default", None, None, None, None, False, None, "no compiler", 2.0)

    assert step_row(kept) == ["dtype amp", "120", "+50.0 %", "1.400–1.600", "yes", "1.0e-02", "88%", ""]
    assert step_row(left) == ["compile default", "–", "–", "–", "no", "–", "–", "no compiler"]
    assert step_line(kept) == "dtype amp: 120 samples/s, +50.0 %, kept; off by 1.0e-02 of the range"
    assert step_line(left) == "compile default: no compiler"


def test_a_narrow_terminal_has_fewer_columns_and_notes_below() -> None:
    step = TuneStep("dtype", "amp", 10.0, 0.1, None, None, False, None, "clearly slower", 2.0)

    assert step_table([step], None)[0] == list(STEP_HEADERS)
    headers, rows, notes = step_table([step], 80)
    assert "95 %" not in headers
    assert len(rows[0]) == len(headers)
    assert notes == ["dtype amp: clearly slower"]
