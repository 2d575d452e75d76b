"""The datasets' numbers, and one clear line for every kind of bad input."""

from __future__ import annotations

import dataclasses
import gzip
import io
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared import datasets
from shared.datasets import Dataset, handwritten, image_files
from shared.errors import UsageError

Array = npt.NDArray[Any]

GATES = {
    "and": [0, 0, 0, 1],
    "or": [0, 1, 1, 1],
    "nand": [1, 1, 1, 0],
    "xor": [0, 1, 1, 0],
}
CORNERS = [[0, 0], [0, 1], [1, 0], [1, 1]]
IDX_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def small() -> dict[str, Array]:
    """Three training and two test images, mostly blank so that files stay small."""
    x = np.zeros((5, 28, 28), np.uint8)
    x[:, 3:6, 3:6] = np.arange(45).reshape(5, 3, 3) * 5
    y = np.array([5, 0, 9, 1, 4], np.uint8)
    return {"x_train": x[:3], "y_train": y[:3], "x_test": x[3:], "y_test": y[3:]}


def npz_bytes(save: Callable[..., None] = np.savez_compressed) -> bytes:
    stream = io.BytesIO()
    save(stream, **small())
    return stream.getvalue()


def save_npz(folder: Path, **changes: Any) -> Path:
    path = folder / "images.npz"
    kept = {k: v for k, v in {**small(), **changes}.items() if v is not None}
    np.savez(path, **kept)
    return path


def idx_bytes(array: Array) -> bytes:
    head = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.tobytes()


def save_idx(
    folder: Path, pack: Callable[[bytes], bytes] = bytes, ending: str = ""
) -> Path:
    for key, array in small().items():
        (folder / (IDX_NAMES[key] + ending)).write_bytes(pack(idx_bytes(array)))
    return folder


def assert_small(data: Dataset) -> None:
    assert data.x_train.dtype == np.uint8
    assert data.y_train.dtype == np.int64
    for key, array in small().items():
        np.testing.assert_array_equal(getattr(data, key), array)


def refused(call: Callable[..., object], *args: Any, **kwargs: Any) -> str:
    """Return the one-line message that names a remedy after its semicolon."""
    with pytest.raises(UsageError) as caught:
        call(*args, **kwargs)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.partition("; ")[2]
    return message


def equal_or_refused(content: bytes, name: str) -> None:
    """The damaged file is refused, or the damage touched none of the data."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        if not name.endswith(".npz"):
            save_idx(Path(folder))
        path.write_bytes(content)
        try:
            data = datasets.mnist(path if name.endswith(".npz") else folder)
        except UsageError as error:
            assert len(str(error).splitlines()) == 1
            assert name in str(error)
        else:
            assert_small(data)


# ---------------------------------------------------------------- contents


@pytest.mark.parametrize("gate", GATES)
def test_truth_table(gate: str) -> None:
    data = datasets.truth_table(gate)
    assert data.x_train.tolist() == CORNERS
    assert data.y_train.tolist() == [[value] for value in GATES[gate]]
    assert data.name == gate
    assert data.x_test is data.x_train
    assert data.y_test is data.y_train


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        (
            "exam_scores",
            [[73, 80, 75], [93, 88, 93], [89, 91, 90], [96, 98, 100], [73, 66, 70]],
            [[152], [185], [180], [196], [142]],
        ),
        (
            "study_hours",
            [[1, 2], [2, 3], [3, 1], [4, 3], [5, 3], [6, 2]],
            [[0], [0], [0], [1], [1], [1]],
        ),
        (
            "grades",
            [[1, 2, 1, 1], [2, 1, 3, 2], [3, 1, 3, 4], [4, 1, 5, 5]]
            + [[1, 7, 5, 5], [1, 2, 5, 6], [1, 6, 6, 6], [1, 7, 7, 7]],
            [2, 2, 2, 1, 1, 1, 0, 0],
        ),
        ("four_points", CORNERS, [[5], [6], [8], [10]]),
    ],
)
def test_table(name: str, x: list[list[int]], y: list[Any]) -> None:
    data = datasets.load(name)
    assert data.x_train.tolist() == x
    assert data.y_train.tolist() == y
    assert data.x_train.dtype == np.float64
    assert data.y_train.dtype == (np.int64 if name == "grades" else np.float64)
    assert data.samples == len(x)
    assert len(data.feature_names) == len(x[0])


def test_iris_two_species() -> None:
    data = datasets.iris_two_species()
    assert data.x_train.shape == (100, 2)
    assert data.y_train.shape == (100,)
    assert data.y_train.dtype == np.float64
    assert np.all(data.y_train[:50] == -1)
    assert np.all(data.y_train[50:] == 1)
    assert data.x_train[[0, 50]].tolist() == [[5.1, 1.4], [7.0, 4.7]]


def test_digits_hold_out_every_fifth_sample() -> None:
    data = datasets.digits()
    assert data.x_train.shape == (1438, 64)
    assert data.x_test.shape == (359, 64)
    assert (data.x_train.min(), data.x_train.max()) == (0, 1)
    # The digits begin 0, 1, 2, ... 9, 0, 1, ...
    assert data.y_train[:8].tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    assert data.y_test[:2].tolist() == [4, 9]
    assert data.y_train.dtype == np.int64


@pytest.mark.parametrize(("fraction", "held_out"), [(0.5, 898), (0.3, 539), (0.001, 1)])
def test_digits_test_fraction(fraction: float, held_out: int) -> None:
    data = datasets.digits(test_fraction=fraction)
    assert (data.samples, len(data.x_test)) == (1797 - held_out, held_out)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.2, float("nan")])
def test_digits_refuses_a_fraction_out_of_range(fraction: float) -> None:
    assert "0.001 to 0.999" in refused(datasets.digits, fraction)


def test_mnist() -> None:
    data = datasets.mnist()
    assert data.x_train.shape == (60000, 28, 28)
    assert data.x_test.shape == (10000, 28, 28)
    assert data.x_train.dtype == np.uint8
    assert data.y_train.dtype == np.int64
    assert data.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.y_test[:5].tolist() == [7, 2, 1, 0, 4]
    published = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.y_train).tolist() == published
    assert np.bincount(data.y_test).sum() == 10000
    assert float(data.x_train.mean()) == pytest.approx(33.318421, abs=1e-6)


@pytest.mark.parametrize("name", datasets.names())
def test_every_dataset_is_read_only_and_credited(name: str) -> None:
    data = datasets.load(name)
    for key in ("x_train", "y_train", "x_test", "y_test"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(data, key)[0] = 0
    assert data.name == name
    assert data.licence
    assert len(data.source.splitlines()) == 1
    assert len(data.feature_names) == np.prod(data.x_train.shape[1:])
    assert len(repr(data)) < 600


def test_import_needs_no_framework() -> None:
    heavy = "{'sklearn', 'scipy', 'torch', 'tensorflow', 'keras'}"
    code = f"import sys, shared.datasets; print({heavy} & set(sys.modules))"
    root = Path(datasets.__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == "set()", found.stderr


# ------------------------------------------------------------ names and Dataset


def test_load_passes_the_path_to_mnist(tmp_path: Path) -> None:
    assert_small(datasets.load("mnist", save_npz(tmp_path)))


def test_load_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    assert "choose one of and, or, nand, xor" in refused(datasets.load, "mnits")
    assert "fixed" in refused(datasets.load, "xor", tmp_path)
    assert "choose one of" in refused(datasets.truth_table, "not")


def test_dataset_leaves_the_callers_array_writeable() -> None:
    x = np.zeros((2, 3))
    data = Dataset("mine", x, np.zeros(2))
    x[0] = 7
    assert data.x_train.sum() == 0


def test_dataset_is_frozen_and_can_be_replaced() -> None:
    data = datasets.truth_table("xor")
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.name = "other"  # type: ignore[misc]
    assert dataclasses.replace(data, name="other").name == "other"


@pytest.mark.parametrize(
    ("x_train", "y_train", "x_test", "y_test", "words"),
    [
        (np.zeros((2, 3)), np.zeros(3), None, None, "2 samples but y_train holds 3"),
        (np.zeros((0, 3)), np.zeros(0), None, None, "x_train is empty"),
        (np.zeros((2, 0)), np.zeros(2), None, None, "x_train is empty"),
        (np.array(1.0), np.zeros(1), None, None, "x_train is a single number"),
        ([[1.0]], np.zeros(1), None, None, "x_train is a list"),
        (np.array([["a"]]), np.zeros(1), None, None, "x_train has dtype str"),
        (np.zeros(1), np.array([None]), None, None, "y_train has dtype object"),
        (np.zeros(1, bool), np.zeros(1), None, None, "x_train has dtype bool"),
        (np.zeros(1), np.zeros(1, complex), None, None, "y_train has dtype complex"),
        (
            np.array([[1, np.nan], [np.inf, np.nan]]),
            np.zeros(2),
            None,
            None,
            "x_train holds 3 NaN or infinite values, first at index (0, 1)",
        ),
        (np.zeros(2), np.zeros(2), np.zeros(2), None, "only one of x_test and y_test"),
        (np.zeros((2, 3)), np.zeros(2), np.zeros((1, 4)), np.zeros(1), "x_test of"),
        (np.zeros(2), np.zeros((2, 1)), np.zeros(1), np.zeros(1), "y_test of shape ()"),
        (np.zeros(2), np.zeros(2, int), np.zeros(1), np.zeros(1), "y_test has float64"),
        (np.zeros(2), np.zeros(2), np.zeros(1), np.zeros(2), "y_test holds 2"),
    ],
)
def test_dataset_refuses(
    x_train: Any, y_train: Any, x_test: Any, y_test: Any, words: str
) -> None:
    message = refused(Dataset, "mine", x_train, y_train, x_test, y_test)
    assert message.startswith("dataset 'mine': ")
    assert words in message


# ------------------------------------------------------------- files that fit


def test_npz_drop_in(tmp_path: Path) -> None:
    arrays = small()
    path = save_npz(
        tmp_path,
        x_train=np.asfortranarray(arrays["x_train"].astype(">f4"))[..., None],
        y_train=arrays["y_train"].astype(np.int32)[:, None],
        x_test=arrays["x_test"].astype(np.int16),
        extra=np.zeros(3),
    )
    data = datasets.mnist(path)
    assert_small(data)
    assert str(path) in data.source
    assert data.licence == "as its publisher states"


def test_float_brightness_is_rounded(tmp_path: Path) -> None:
    x = np.maximum(small()["x_train"] - 0.4, 0)
    assert_small(datasets.mnist(str(save_npz(tmp_path, x_train=x))))


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_round_trip(
    tmp_path: Path, pack: Callable[[bytes], bytes], ending: str
) -> None:
    data = datasets.mnist(save_idx(tmp_path, pack, ending))
    assert_small(data)
    assert not data.x_train.flags.writeable


def test_idx_names_with_a_dot(tmp_path: Path) -> None:
    for path in save_idx(tmp_path).iterdir():
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert_small(datasets.mnist(tmp_path))


# ------------------------------------------------------- files that do not fit

X, Y = small()["x_train"], small()["y_train"]
NAN_X = np.where(np.arange(3 * 784).reshape(X.shape) == 30, np.nan, X)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_test": None}, "lacks x_test and holds 'x_train', 'y_train', 'y_test'"),
        ({"x_train": X[:, :27]}, "x_train has shape (3, 27, 28)"),
        ({"x_train": X[..., None].repeat(3, -1)}, "x_train has shape (3, 28, 28, 3)"),
        ({"x_train": np.uint8(3)}, "x_train has shape ()"),
        ({"x_train": X[:0], "y_train": Y[:0]}, "x_train is empty"),
        ({"x_train": X.astype(bool)}, "x_train has dtype bool"),
        ({"x_train": X.astype(str)}, "x_train has dtype str"),
        ({"x_train": X.astype(complex)}, "x_train has dtype complex"),
        ({"x_train": X.astype(object)}, "x_train is not a plain array of numbers"),
        ({"x_train": NAN_X}, "x_train holds 1 NaN or infinite value, first at"),
        ({"x_train": NAN_X}, "first at index (0, 1, 2); remove"),
        ({"x_train": X / 255}, "as if divided by 255 already"),
        ({"x_train": X.astype(int) - 1}, "x_train ranges from -1 to"),
        ({"x_train": X * 2.0}, "x_train ranges from 0.0 to"),
        ({"x_train": X[:2]}, "holds 2 images but"),
        ({"y_test": Y[:1]}, "y_test holds 1 labels"),
        ({"y_train": Y[:0]}, "y_train is empty"),
        ({"y_train": np.eye(3, dtype=int)}, "y_train has shape (3, 3)"),
        ({"y_train": Y.astype(float)}, "y_train has dtype float64"),
        ({"y_train": Y.astype(str)}, "y_train has dtype str"),
        ({"y_train": Y + 1}, "y_train ranges from 1 to 10"),
        ({"y_train": Y.astype(int) - 1}, "y_train ranges from -1 to 8"),
    ],
)
def test_npz_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    message = refused(datasets.mnist, save_npz(tmp_path, **changes))
    assert "images.npz" in message
    assert words in message


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", npz_bytes()[:9]])
def test_not_an_npz(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "images.npz"
    path.write_bytes(content)
    assert "is not a whole .npz file" in refused(datasets.mnist, path)


def test_npz_without_arrays(tmp_path: Path) -> None:
    path = tmp_path / "images.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "holds no arrays" in refused(datasets.mnist, path)


def test_npz_with_wrong_checksum(tmp_path: Path) -> None:
    content = npz_bytes(np.savez)
    at = content.index(b"\x05\x0a\x00")  # the first image's first bright pixels
    path = tmp_path / "images.npz"
    path.write_bytes(content[:at] + b"\xff" + content[at + 1 :])
    assert "Bad CRC-32" in refused(datasets.mnist, path)


class Touch:
    """Unpickling this creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def test_pickles_are_never_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(Touch(trace)))
    trace.unlink()
    path = save_npz(tmp_path, x_train=np.array([Touch(trace)], dtype=object))
    assert "x_train is not a plain array" in refused(datasets.mnist, path)
    path.write_bytes(pickle.dumps(Touch(trace)))
    assert "is not a whole .npz file" in refused(datasets.mnist, path)
    assert not trace.exists()


def test_path_that_leads_nowhere(tmp_path: Path) -> None:
    for name in ("none.npz", "two\nlines", "nul\0byte"):
        assert "does not exist" in refused(datasets.mnist, tmp_path / name)
    with open(os.devnull) as device:
        assert "neither a file nor a folder" in refused(datasets.mnist, device.name)


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(image_files, "open", deny, raising=False)
    message = refused(datasets.mnist, save_npz(tmp_path))
    assert "cannot be read" in message
    assert "Permission denied" in message


def test_shipped_file_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handwritten, "SHIPPED", tmp_path / "images.npz")
    assert "is missing; reinstall" in refused(datasets.mnist)
    save_npz(tmp_path)
    assert "is not the file that was shipped" in refused(datasets.mnist)


@pytest.mark.parametrize("key", IDX_NAMES)
def test_idx_file_missing(tmp_path: Path, key: str) -> None:
    (save_idx(tmp_path) / IDX_NAMES[key]).unlink()
    message = refused(datasets.mnist, tmp_path)
    assert f"has no {IDX_NAMES[key]}, plain or .gz" in message
    assert str(tmp_path) in message


LABELS = idx_bytes(small()["y_train"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "starts with the bytes nothing instead of the IDX magic 00000801"),
        (b"\0\0\x08\x03" + LABELS[4:], "starts with the bytes 00000803"),
        (LABELS[:6], "ends inside its IDX header, after 6 bytes"),
        (LABELS[:-1], "is 10 bytes long but its IDX header (3,) asks for 11"),
        (LABELS + b"\0", "is 12 bytes long"),
        (LABELS[:-1] + b"\x0a", "ranges from 0 to 10"),
        (idx_bytes(np.zeros(0, np.uint8)), "y_train is empty"),
        (idx_bytes(np.zeros(2, np.uint8)), "holds 2 labels"),
        (gzip.compress(LABELS, mtime=0)[:-9], "is not a whole gzip file"),
        (gzip.compress(LABELS, mtime=0) + b"tail", "is not a whole gzip file"),
        (gzip.compress(LABELS[:-1], mtime=0), "is 10 bytes long"),
    ],
)
def test_idx_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (save_idx(tmp_path) / IDX_NAMES["y_train"]).write_bytes(content)
    message = refused(datasets.mnist, tmp_path)
    assert IDX_NAMES["y_train"] in message
    assert words in message


# ------------------------------------------------------------- any damage at all

FILES = {
    "deflated.npz": npz_bytes(),
    "stored.npz": npz_bytes(np.savez),
    IDX_NAMES["x_train"]: gzip.compress(idx_bytes(small()["x_train"]), mtime=0),
}


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_truncation(name: str, data: st.DataObject) -> None:
    content = FILES[name]
    equal_or_refused(content[: data.draw(st.integers(0, len(content) - 1))], name)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_corrupted_byte(name: str, data: st.DataObject) -> None:
    content = bytearray(FILES[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(
        st.integers(1, 255)
    )
    equal_or_refused(bytes(content), name)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 127), new=st.binary(min_size=1, max_size=4))
@example(at=24, new=rb"\h")
def test_any_npy_header(at: int, new: bytes) -> None:
    """A damaged header under a right checksum is refused or read, never a crash."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images.npz")
        with (
            zipfile.ZipFile(io.BytesIO(npz_bytes())) as good,
            zipfile.ZipFile(path, "w") as bad,
        ):
            for member in good.namelist():
                content = good.read(member)
                if member == "x_train.npy":
                    content = content[:at] + new + content[at + len(new) :]
                bad.writestr(member, content)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                datasets.mnist(path)
            except UsageError as error:
                assert "x_train" in str(error)
                assert len(str(error).splitlines()) == 1
        assert not warned
