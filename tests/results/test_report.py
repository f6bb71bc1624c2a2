import dataclasses

import pytest

from explorer.results.figures import mebibytes, milliseconds, significant, size
from explorer.results.report import bench_facts
from tests.tui.samples import result


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "0.123"), (1.2345, "1.23"), (12.345, "12.3"), (123.45, "123"), (12345.6, "12,346")]
)
def test_three_significant_digits(value: float, text: str) -> None:
    assert significant(value) == text


def test_units() -> None:
    assert milliseconds(12.3) == "12.3 ms"
    assert mebibytes(1 << 30) == "1,024"
    assert (size(224), size((1024, 768))) == ("224×224", "1024×768")


def test_a_measurement_says_all_that_it_depends_on() -> None:
    facts = dict(fact for fact in bench_facts(result()) if fact[0])

    assert facts["latency"] == "p50 12.3, p90 13.0, p99 14.0 ms"
    assert facts["throughput"] == "81.3 samples/s"
    assert facts["input"] == "batch of 1, 3×64×64, float32"
    assert facts["memory"] == "512 MiB peak resident memory of the worker process"
    assert facts["measured"] == "240 iterations in 3.01 s, after 80 to warm up"
    assert "2 CPU threads" in facts["settings"]
    assert "cudnn" not in facts["settings"]


def test_a_gpu_has_settings_of_its_own() -> None:
    settings = {"cudnn_benchmark": True, "float32_matmul_precision": "high"}
    facts = dict(bench_facts(dataclasses.replace(result(), device="cuda:0", settings=settings)))

    assert "cudnn.benchmark on, matmul precision high" in facts["settings"]


def test_a_place_that_is_not_known_is_shown_as_it_came() -> None:
    facts = dict(bench_facts(dataclasses.replace(result(), memory_kind="other", memory_before_bytes=1 << 20)))

    assert facts["memory"] == "512 MiB other; 1 MiB before the model was built"
