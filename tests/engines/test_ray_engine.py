"""Shards on a Ray cluster of two nodes on this machine, one of which is killed in mid-run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from engine_contract import WorkersContract

from dure.data import Examples
from dure.errors import DataError, MissingExtraError, ShardError, UsageError
from dure.statistics import describe

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


class TestRayEngine(WorkersContract):
    @pytest.fixture
    def engine(self, cluster: Any) -> Any:
        from dure.engines.ray import RayEngine

        return RayEngine()


def test_an_exception_shows_where_in_the_task_it_came_from(engine: Any) -> None:
    def refuse(number: int) -> int:
        raise DataError(f"row {number} is bad")

    with pytest.raises(DataError, match="row 7 is bad") as caught:
        list(engine.map(refuse, [7]))
    assert any("refuse" in note for note in caught.value.__notes__)


def test_a_shard_that_no_node_can_hold_is_refused_at_once(engine: Any) -> None:
    with pytest.raises(ShardError, match="no node of the Ray cluster is large enough"):
        list(engine.map(abs, [1], memory=1 << 50))


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


def test_a_node_that_is_killed_in_mid_run_loses_nothing(cluster: Any, engine: Any) -> None:
    def slow_square(number: int) -> int:
        time.sleep(0.3)
        return number * number

    doomed = cluster.add_node(num_cpus=1)
    results = engine.map(slow_square, range(24), retries=3)
    found = [next(results) for _ in range(3)]
    cluster.remove_node(doomed, allow_graceful=False)
    found += list(results)
    assert found == [i * i for i in range(24)]


class SlowEngine:
    """An engine that takes its time over each part, and says when some are done."""

    def __init__(self, engine: Any, after: int, call: Any) -> None:
        self.engine, self.after, self.call = engine, after, call
        self.nodes: set[str] = set()

    def map(self, function: Any, shards: Any, **options: Any) -> Iterator[Any]:
        def slowly(shard: Any) -> tuple[str, Any]:
            found = function(shard)
            time.sleep(0.2)
            return ray.get_runtime_context().get_node_id(), found

        for index, (node, found) in enumerate(self.engine.map(slowly, shards, **options)):
            self.nodes.add(node)
            if index == self.after:
                self.call()
            yield found


def test_statistics_are_the_same_bytes_though_a_node_is_killed_in_mid_run(
    cluster: Any, engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dure.data.parts.part_rows", lambda columns: 1024)
    rows = 24 * 1024
    frame = pl.DataFrame(
        {
            "number": [i * 0.37 % 11 for i in range(rows)],
            "text": ["abc"[i % 3] for i in range(rows)],
            "list": [[i % 7] * (i % 3) for i in range(rows)],
        }
    )
    (tmp_path / "examples").mkdir()
    Examples.from_frames({"train": frame}).save(tmp_path / "examples")
    examples = Examples.load(tmp_path / "examples")
    assert len(examples.parts("train")) >= 20
    doomed = cluster.add_node(num_cpus=1)
    slow = SlowEngine(engine, 4, lambda: cluster.remove_node(doomed, allow_graceful=False))
    folders = [tmp_path / "here", tmp_path / "there"]
    for folder, one in zip(folders, [None, slow], strict=True):
        folder.mkdir()
        describe(examples, engine=one).save(folder)
    assert len(slow.nodes) >= 2
    files = sorted(path for path in folders[0].rglob("*") if path.is_file())
    for path in files:
        other = folders[1] / path.relative_to(folders[0])
        assert path.read_bytes() == other.read_bytes(), path.name
