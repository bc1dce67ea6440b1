"""Shards on a Ray cluster of two nodes on this machine, one of which is killed in mid-run."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dure.errors import DataError, MissingExtraError, ShardError, UsageError

ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    # Ray's own process management leaves pipes and processes to the interpreter's end.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False, logging_level="error")
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def engine(cluster: Any) -> Any:
    from dure.engines.ray import RayEngine

    return RayEngine()


def slow_square(number: int) -> tuple[int, str]:
    time.sleep(0.3)
    return number * number, os.environ.get("RAY_NODE_ID", "") or ray.get_runtime_context().node_id


def test_results_come_in_the_order_of_the_shards(engine: Any) -> None:
    def late_first(number: int) -> int:
        time.sleep(0.4 if number == 0 else 0)
        return number

    assert list(engine.map(late_first, range(6))) == list(range(6))


def test_an_exception_of_the_function_arrives_as_itself_and_is_not_retried(
    engine: Any, tmp_path: Path
) -> None:
    count = tmp_path / "count"

    def refuse(number: int) -> int:
        with count.open("a") as file:
            file.write("x")
        raise DataError(f"row {number} is bad", fix="mend it")

    with pytest.raises(DataError, match="row 7 is bad") as caught:
        list(engine.map(refuse, [7]))
    assert caught.value.fix == "mend it"
    assert any("refuse" in note for note in caught.value.__notes__)
    assert count.read_text() == "x"


def test_a_worker_that_dies_is_replaced_and_one_that_always_dies_is_named(
    engine: Any, tmp_path: Path
) -> None:
    def die_once(number: int) -> int:
        mark = tmp_path / str(number)
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), 9)
        return number

    def die(number: int) -> int:
        os.kill(os.getpid(), 9)
        return number

    assert list(engine.map(die_once, range(3))) == [0, 1, 2]
    with pytest.raises(ShardError, match="part 1 of 1 died"):
        list(engine.map(die, [0], retries=1))


def test_a_shard_that_no_node_can_hold_is_refused_at_once(engine: Any) -> None:
    with pytest.raises(ShardError, match="no node of the Ray cluster is large enough"):
        list(engine.map(slow_square, [1], memory=1 << 50))


def test_an_address_without_a_cluster_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from dure.engines.ray import RayEngine

    def refuse(**_: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(UsageError, match="there is no Ray cluster at 'nowhere:1'"):
        RayEngine("nowhere:1")


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from dure.engines.ray import RayEngine

    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"dure\[ray\]"):
        RayEngine()


def test_statistics_are_the_same_bytes_on_ray_and_in_this_process(
    engine: Any, tmp_path: Path
) -> None:
    polars = pytest.importorskip("polars")
    from dure.data import Examples
    from dure.statistics import describe

    frame = polars.DataFrame(
        {
            "number": [i * 0.37 % 11 for i in range(30_000)],
            "text": ["abc"[i % 3] for i in range(30_000)],
        }
    )
    examples = Examples.from_frames({"train": frame})
    digests = []
    for name, given in (("here", None), ("ray", engine)):
        (tmp_path / name).mkdir()
        describe(examples, engine=given).save(tmp_path / name)
        whole = hashlib.sha256()
        for path in sorted((tmp_path / name).rglob("*")):
            if path.is_file():
                whole.update(path.read_bytes())
        digests.append(whole.hexdigest())
    assert digests[0] == digests[1]


def test_a_node_that_is_killed_in_mid_run_loses_nothing(cluster: Any, engine: Any) -> None:
    doomed = cluster.add_node(num_cpus=1)
    results = engine.map(slow_square, range(24), retries=3)
    found = [next(results) for _ in range(3)]
    cluster.remove_node(doomed, allow_graceful=False)
    found += list(results)
    assert [number for number, _ in found] == [i * i for i in range(24)]
