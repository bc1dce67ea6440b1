"""What any engine must do. A test class inherits `EngineContract` and gives the fixture `engine`."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dure.data import Examples
from dure.errors import DataError, ShardError
from dure.statistics import describe

TAXIS = pl.DataFrame(
    {
        "miles": [0.1 * i for i in range(5000)],
        "company": [f"c{i % 97}" for i in range(5000)],
        "hour": [None if i % 11 == 0 else i % 24 for i in range(5000)],
    }
)


class EngineContract:
    """Tests of `dure.engines.Engine`."""

    def test_results_come_in_the_order_of_the_shards(self, engine: Any) -> None:
        def late_first(number: int) -> int:
            time.sleep(0.3 if number == 0 else 0)
            return number * number

        assert list(engine.map(late_first, range(9))) == [n * n for n in range(9)]

    def test_no_shards_give_no_results(self, engine: Any) -> None:
        assert list(engine.map(abs, [])) == []

    def test_more_shards_than_are_held_all_come(self, engine: Any) -> None:
        assert list(engine.map(lambda n: n + 1, range(100))) == list(range(1, 101))

    def test_an_exception_arrives_as_itself_and_is_not_retried(
        self, engine: Any, tmp_path: Path
    ) -> None:
        count = tmp_path / "count"

        def refuse(number: int) -> int:
            with count.open("a") as file:
                file.write("x")
            raise DataError(f"row {number} is bad", fix="mend it")

        with pytest.raises(DataError, match="row 7 is bad") as caught:
            list(engine.map(refuse, [7]))
        assert caught.value.fix == "mend it"
        assert count.read_text() == "x"
        assert list(engine.map(abs, [-1])) == [1]  # it can go on

    def test_closing_early_leaves_an_engine_that_works(self, engine: Any) -> None:
        results = engine.map(lambda n: n, range(50))
        assert next(iter(results)) == 0
        results.close()
        assert list(engine.map(lambda n: -n, range(5))) == [0, -1, -2, -3, -4]

    def test_statistics_have_the_same_bytes_as_without_it(
        self, engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("dure.data.parts.part_rows", lambda columns: 1024)
        examples = Examples.from_frames({"train": TAXIS})
        assert len(examples.parts("train")) > 2
        folders = [tmp_path / "here", tmp_path / "there"]
        for folder, one in zip(folders, [None, engine], strict=True):
            folder.mkdir()
            describe(examples, engine=one).save(folder)
        for path in sorted(folders[0].rglob("*.*")):
            other = folders[1] / path.relative_to(folders[0])
            assert path.read_bytes() == other.read_bytes(), path.name


class WorkersContract(EngineContract):
    """What engines with workers of their own must do as well."""

    def test_a_worker_that_dies_is_replaced(self, engine: Any, tmp_path: Path) -> None:
        def die_once(number: int) -> int:
            mark = tmp_path / str(number)
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return number

        assert list(engine.map(die_once, range(4))) == [0, 1, 2, 3]

    def test_a_shard_whose_workers_always_die_is_named(self, engine: Any) -> None:
        def die(number: int) -> int:
            if number == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return number

        with pytest.raises(ShardError, match="part 2 of 3 died"):
            list(engine.map(die, range(3), retries=1))
        assert list(engine.map(abs, [-1, -2])) == [1, 2]
