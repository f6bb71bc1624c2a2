import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import RequestError
from explorer.protocol.bench import BenchRequest
from explorer.results.runs import RunDetails
from explorer.results.store import Store
from explorer.results.timm_csv import named, read_csv, write_csv
from tests.results.samples import OUT_OF_MEMORY, result

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "published-metrics.csv"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str, name: str = "some.csv") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return written


def exported(*results: dict[str, object]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(write_csv(details(*results)))))


def details(*results: dict[str, object]) -> list[RunDetails]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "results.db")
        for one in results:
            store.record(one)
        return store.details()


INFER = {"model": "a", "infer_samples_per_sec": "10.5", "infer_batch_size": "256", "infer_img_size": "224"}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (
            "model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size,param_count,infer_gmacs,infer_macts",
            "a,224,10.5,95.2,256,21.8,3.67,3.74",
        ),
        (
            "model,infer_samples_per_sec,infer_step_time,infer_batch_size,infer_img_size,infer_gmacs,infer_macts,param_count",
            "a,10.5,95.2,256,224,3.67,3.74,21.8",
        ),
        (
            "model,infer_samples_per_sec,infer_step_time,infer_batch_size,infer_img_size,param_count",
            "a,10.5,95.2,256,224,21.8",
        ),
        ("infer_img_size,model,infer_batch_size,infer_samples_per_sec,shiny_new", '224,a,"256",10.5,x'),
        ("model,samples_per_sec,step_time,batch_size,img_size,param_count", "a,10.5,95.2,256,224,21.8"),
    ],
    ids=["newest", "older", "oldest", "odd", "unprefixed"],
)
def test_every_order_and_choice_of_columns_is_read(write: Write, header: str, row: str) -> None:
    (run,) = read_csv(write(f"{header}\n{row}\n")).runs

    assert (run.model, run.mode, run.samples_per_sec) == ("a", "infer", 10.5)
    assert (run.batch_size, run.img_size) == (256, 224)
    assert dict(run.columns) == dict(zip(header.split(","), next(csv.reader([row])), strict=True))


def test_training_results_are_read(write: Write) -> None:
    header = "model,train_samples_per_sec,train_step_time,train_batch_size,train_img_size,param_count"
    (run,) = read_csv(write(f"{header}\ntinynet_e,10001.12,50.423,512,106,2.04\n")).runs

    assert (run.mode, run.samples_per_sec, run.batch_size, run.img_size) == ("train", 10001.12, 512, 106)


def test_a_row_of_both_modes_is_two_runs(write: Write) -> None:
    runs = read_csv(write("model,infer_samples_per_sec,train_samples_per_sec\na,10,5\n")).runs

    assert [(run.mode, run.samples_per_sec) for run in runs] == [("infer", 10.0), ("train", 5.0)]


def test_accuracies_are_read_with_commas_between_thousands(write: Write) -> None:
    header = "model,top1,top1_err,top5,top5_err,param_count,img_size,crop_pct,interpolation"
    row = 'eva_giant_patch14_560.m30m,89.786,10.214,98.992,1.008,"1,014.45",560,1.000,bicubic'
    (run,) = read_csv(write(f"{header}\n{row}\n")).runs

    assert (run.model, run.samples_per_sec, run.img_size) == ("eva_giant_patch14_560.m30m", None, 560)
    assert run.columns["top1"] == "89.786"


def test_empty_cells_and_a_byte_order_mark_are_no_matter(write: Write) -> None:
    path = write("\ufeffmodel,infer_samples_per_sec,infer_gmacs,infer_macts\na,92.84,,\n")
    (run,) = read_csv(path).runs

    assert (run.model, run.samples_per_sec) == ("a", 92.84)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("b,fast,256,224", "infer_samples_per_sec is no number: 'fast'"),
        ("b,nan,256,224", "infer_samples_per_sec is out of range"),
        ("b,-1,256,224", "infer_samples_per_sec is out of range"),
        ("b,1e400,256,224", "infer_samples_per_sec is out of range"),
        ("b,10,0,224", "infer_batch_size is no whole number"),
        ("b,10,2.5,224", "infer_batch_size is no whole number"),
        ("b,10,99999999999999999999,224", "infer_batch_size is out of range"),
        (",10,256,224", "no model"),
        ("b,10,256", "not as many values"),
        ("b,10,256,224,9", "not as many values"),
    ],
    ids=lambda text: text if "," in text else "",
)
def test_a_row_that_makes_no_sense_is_named_by_its_line(write: Write, row: str, reason: str) -> None:
    header = ",".join(INFER)
    read = read_csv(write(f"{header}\n{','.join(INFER.values())}\n{row}\n{','.join(INFER.values())}\n"))

    assert len(read.runs) == 2
    ((line, told),) = [(skipped.line, skipped.reason) for skipped in read.skipped]
    assert line == 3
    assert reason in told


def test_a_row_of_a_failure_is_left_out(write: Write) -> None:
    read = read_csv(write("model,infer_samples_per_sec,error\na,1,\nb,,CUDA out of memory\n"))

    assert [run.model for run in read.runs] == ["a"]
    assert read.skipped[0].reason == "b failed: CUDA out of memory"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no column 'model'"),
        (b"a,b\n1,2\n", "no column 'model'"),
        (b"model,param_count\n", "it has no rows"),
        (b"model,param_count\na,many\n", "line 2: param_count is no number"),
        (b"\xff\xfe\x00\x01", "it is not text"),
        (b"model\n" + b'"' + b"x" * 200_000, "field larger"),
    ],
    ids=["empty", "other", "bare", "senseless", "binary", "endless"],
)
def test_what_is_no_results_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes(content)

    with pytest.raises(RequestError, match=reason):
        read_csv(path)


def test_a_missing_file_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="No such file"):
        read_csv(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("name", "device", "dtype", "memory_format", "compiled", "environment"),
    [
        (
            "benchmark-infer-amp-nhwc-pt240-cu124-rtx4090-dynamo.csv",
            "cuda", "amp", "channels_last", "default",
            {"device_name": "rtx4090", "torch": "2.4.0", "cuda": "12.4"},
        ),
        (
            "benchmark-train-amp-nchw-pt112-cu113-rtx3090.csv",
            "cuda", "amp", "contiguous", "off",
            {"device_name": "rtx3090", "torch": "1.12", "cuda": "11.3"},
        ),
        (
            "benchmark-infer-fp32-nchw-pt221-cpu-i9_10940x-dynamo.csv",
            "cpu", "float32", "contiguous", "default",
            {"device_name": "i9_10940x", "torch": "2.2.1"},
        ),
        (
            "benchmark-infer-bf16-nchw-pt291-cu130-pro6000maxq.csv",
            "cuda", "bfloat16", "contiguous", "off",
            {"device_name": "pro6000maxq", "torch": "2.9.1", "cuda": "13.0"},
        ),
    ],
    ids=["compiled", "train", "cpu", "bf16"],
)  # fmt: skip
def test_the_name_of_a_file_of_timms_tells_how_it_was_measured(
    name: str, device: str, dtype: str, memory_format: str, compiled: str, environment: dict[str, str]
) -> None:
    assert named(Path("somewhere") / name) == {
        "device": device,
        "dtype": dtype,
        "settings": {"memory_format": memory_format, "compile": compiled},
        "environment": environment,
    }


@pytest.mark.parametrize("name", ["published-metrics.csv", "results-imagenet.csv", "benchmark.csv"])
def test_other_names_tell_nothing(name: str) -> None:
    assert named(Path(name)) == {}


def test_export_has_timms_columns_and_units() -> None:
    (row,) = exported(result(img_size=(112, 224), samples_per_sec=1234.5678))

    assert row == {
        "model": "resnet34",
        "infer_samples_per_sec": "1234.57",
        "infer_step_time": "10.5",
        "infer_batch_size": "256",
        "infer_img_size": "224",
        "infer_gmacs": "3.67",
        "infer_macts": "3.74",
        "param_count": "21.8",
    }
    assert write_csv([]).splitlines() == [",".join(row)]


def test_what_was_not_counted_is_empty() -> None:
    (row,) = exported(result(macs_fvcore=None, activations=None))

    assert (row["infer_gmacs"], row["infer_macts"]) == ("", "")


def test_no_cell_is_a_formula() -> None:
    (row,) = exported(result(model="=cmd()"))

    assert row["model"] == "'=cmd()"


def test_training_is_exported_in_columns_of_its_own() -> None:
    (row,) = exported(result(mode="train"))

    assert list(row) == [
        "model", "train_samples_per_sec", "train_step_time", "train_batch_size", "train_img_size", "param_count",
    ]  # fmt: skip
    assert [row["train_samples_per_sec"] for row in exported(result(), result(mode="train"))] == ["1000.0", ""]


def test_the_fastest_comes_first() -> None:
    rows = exported(
        *(result(model=name, samples_per_sec=speed) for name, speed in (("a", 1.0), ("b", 3.0), ("c", 2.0)))
    )

    assert [row["model"] for row in rows] == ["b", "c", "a"]


def test_failures_are_not_exported(tmp_path: Path) -> None:
    store = Store(tmp_path / "results.db")
    store.keep(BenchRequest("resnet50"), OUT_OF_MEMORY)

    assert write_csv(store.details()).count("\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        "model,infer_samples_per_sec,infer_step_time,infer_batch_size,infer_img_size,infer_gmacs,infer_macts,param_count\n"
        "b,20.0,50.0,1,160,,,1.5\na,10.5,95.2,256,224,3.67,3.74,21.8\n",
        "model,train_samples_per_sec,train_step_time,train_batch_size,train_img_size,param_count\na,1.0,95.2,2,224,21.8\n",
    ],
    ids=["infer", "train"],
)
def test_what_was_imported_is_exported_as_it_was(write: Write, tmp_path: Path, text: str) -> None:
    store = Store(tmp_path / "results.db")
    store.import_rows(read_csv(write(text)).runs, "published")

    assert write_csv(store.details()) == text


def test_what_is_exported_can_be_imported(write: Write) -> None:
    (run,) = read_csv(write(write_csv(details(result())))).runs

    assert (run.model, run.mode, run.samples_per_sec, run.batch_size) == ("resnet34", "infer", 1000.0, 256)


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="timm's published table is not beside the repository")
def test_the_published_table_is_read_whole() -> None:
    read = read_csv(PUBLISHED)

    assert not read.skipped
    assert len(read.runs) == len(PUBLISHED.read_text().splitlines()) - 1
    assert all(run.img_size and run.columns["param_count"] for run in read.runs)
