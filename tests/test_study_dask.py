"""The study on a cluster: two Dask workers on the loopback interface."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import pytest

from shared import lesson as lessons
from shared.errors import MissingError, UsageError
from shared.study import cluster, pool
from shared.study.result import Result
from shared.study.units import Options, Unit, plan


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    settings: dict[str, Any] = {"dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, **settings
    ) as two:
        yield two.scheduler_address


def units(seeds: int, **settings: Any) -> list[Unit]:
    return plan(lessons.find("xor_mlp"), Options(seeds, settings=settings))


def timeless(found: list[Result]) -> list[dict[str, Any]]:
    plain = [dataclasses.asdict(one) for one in sorted(found, key=lambda r: r.unit)]
    for one in plain:
        del one["seconds"]
    return plain


def test_a_cluster_finds_what_one_machine_does(address: str) -> None:
    wanted = units(3, epochs=30)
    here: list[Result] = []
    there: list[Result] = []
    pool.run(wanted, 2, here.append)
    cluster.run(wanted, address, there.append)
    assert timeless(there) == timeless(here)
    assert len(there) == 6
    processes = sum(one.seconds["start"] > 0 for one in there)
    assert 2 <= processes <= 4  # two workers, each at most one a track


def test_the_processes_end_with_the_study(address: str) -> None:
    cluster.run(units(1, epochs=3), address, lambda _: None)
    with distributed.Client(address, set_as_default=False) as client:
        assert set(client.run(_processes).values()) == {0}


def _processes() -> int:
    import psutil

    commands = [child.cmdline() for child in psutil.Process().children(recursive=True)]
    return sum("shared.worker" in command for command in commands)


def test_the_command_resumes_on_a_cluster(address: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "shared", "study", "xor_perceptron", "--seeds"]
    on = ["--set", "epochs=3", "--scheduler", address, "--out", str(tmp_path)]
    for seeds, lines in (("2", 4), ("3", 6)):
        done = subprocess.run(
            [*command, seeds, *on], check=False, capture_output=True, text=True
        )
        assert done.returncode == 4, done.stdout + done.stderr
        assert "Not enough seeds" in done.stdout
        kept = (tmp_path / "study.jsonl").read_bytes()
        assert kept.count(b"\n") == lines
    assert b"4 of 6 trainings are there" in done.stderr.encode()


def test_other_versions_are_refused(address: str) -> None:
    unit = units(1)[1]
    newer = dataclasses.replace(unit, made_with={**unit.made_with, "torch": "99"})
    with pytest.raises(MissingError, match=r"has torch .* this machine 99"):
        cluster.run([newer], address, lambda _: None)


def test_what_a_track_says_comes_through(address: str) -> None:
    unit = units(1)[1]
    lost = dataclasses.replace(unit, job=dataclasses.replace(unit.job, device="gpu"))
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(MissingError, match="PyTorch sees no GPU"):
        cluster.run([lost], address, lambda _: None)


def test_no_scheduler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(MissingError, match="no Dask scheduler"):
        cluster.run(units(1), nobody, lambda _: None)


@pytest.mark.parametrize("address", ["", "there", "tcp://there", "http://there:80"])
def test_an_address_is_checked(address: str) -> None:
    with pytest.raises(UsageError, match="tcp://HOST:PORT"):
        cluster.run(units(1), address, lambda _: None)


def test_dask_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingError, match=r"pip install 'twotrack\[cluster\]'"):
        cluster.run(units(1), "tcp://127.0.0.1:1", lambda _: None)


def test_an_idle_process_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "IDLE_SECONDS", 0.0)
    kept = cluster._Kept()
    kept.train(units(1, epochs=3)[1])
    assert kept._timer is not None
    kept._timer.join()
    assert kept._hand._process is None
