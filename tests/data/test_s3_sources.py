"""Objects in S3, served by moto on this machine."""

from __future__ import annotations

import gzip
import importlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from dure.data.batch import ReadOptions
from dure.data.readers.csv_reader import read_csv
from dure.data.sources import find
from dure.errors import DataError, MissingExtraError

boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
pytest.importorskip("s3fs", reason="s3fs is not installed")
server = pytest.importorskip("moto.server", reason="moto is not installed")

pytestmark = pytest.mark.usefixtures("clients_leave_sockets")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    serving = server.ThreadedMotoServer("127.0.0.1", port=0)
    serving.start()
    host, port = serving.get_host_and_port()
    yield f"http://{host}:{port}"
    serving.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    import s3fs

    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="trips")
    yield client
    for item in client.list_objects_v2(Bucket="trips").get("Contents", ()):
        client.delete_object(Bucket="trips", Key=item["Key"])
    client.delete_bucket(Bucket="trips")
    client.close()
    s3fs.S3FileSystem.clear_instance_cache()


def put(s3: Any, **objects: bytes) -> None:
    for name, content in objects.items():
        s3.put_object(
            Bucket="trips", Key=name.replace("__", "/").replace("_csv", ".csv"), Body=content
        )


def rows(source: str) -> list[tuple[object, ...]]:
    return [
        row
        for place in find(source).locations
        for batch in read_csv(place, ReadOptions())
        for row in batch.frame.rows()
    ]


def test_objects_prefixes_and_patterns_are_read(s3: Any) -> None:
    put(s3, day__a_csv=b"a,b\n1,x\n", day__b_csv=b"a,b\n2,y\n", other_csv=b"a,b\n3,z\n")
    assert rows("s3://trips/day/b.csv") == [(2, "y")]
    assert rows("s3://trips/day") == rows("s3://trips/day/") == [(1, "x"), (2, "y")]
    assert rows("s3://trips/**/*.csv") == [(1, "x"), (2, "y"), (3, "z")]
    assert find("s3://trips/day").label == "day"


def test_a_compressed_object_is_read(s3: Any) -> None:
    s3.put_object(Bucket="trips", Key="a.csv.gz", Body=gzip.compress(b"a\n1\n"))
    assert rows("s3://trips/a.csv.gz") == [(1,)]
    assert find("s3://trips/a.csv.gz").locations[0].size() == len(gzip.compress(b"a\n1\n"))


def test_an_object_of_many_blocks_is_read_to_its_end(s3: Any) -> None:
    content = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(600_000))
    put(s3, large_csv=content)
    [place] = find("s3://trips/large.csv").locations
    found = list(read_csv(place, ReadOptions(batch_bytes=1 << 21)))
    assert sum(batch.frame.height for batch in found) == 600_000
    assert len(found) > 5


def test_what_is_not_there_is_named(s3: Any) -> None:
    for source in ("s3://trips/none.csv", "s3://no-such-bucket/a.csv"):
        with pytest.raises(DataError) as caught:
            find(source)
        assert source in str(caught.value)
    with pytest.raises(DataError, match="no file matches the pattern"):
        find("s3://trips/*.csv")


def test_an_object_that_disappears_after_it_was_listed_is_an_error(s3: Any) -> None:
    put(s3, day__a_csv=b"a\n1\n", day__b_csv=b"a\n2\n")
    first, second = find("s3://trips/day").locations
    s3.delete_object(Bucket="trips", Key="day/b.csv")
    assert sum(batch.frame.height for batch in read_csv(first, ReadOptions())) == 1
    with pytest.raises(DataError, match=r"day/b\.csv'") as caught:
        list(read_csv(second, ReadOptions()))
    assert caught.value.fix


def test_an_object_that_disappears_while_it_is_read_is_an_error(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    monkeypatch.setattr(s3fs.S3FileSystem, "default_block_size", 1 << 20)
    put(s3, large_csv=b"a\n" + b"1234567\n" * (3 << 20))
    [place] = find("s3://trips/large.csv").locations
    reading = read_csv(place, ReadOptions(batch_bytes=1 << 20))
    next(reading)
    s3.delete_object(Bucket="trips", Key="large.csv")
    with pytest.raises(DataError, match=r"large\.csv'"):
        list(reading)


def test_without_s3fs_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = importlib.import_module("fsspec.registry")._registry
    monkeypatch.delitem(loaded, "s3", raising=False)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtraError, match="s3fs") as caught:
        find("s3://trips/a.csv")
    assert caught.value.extra == "s3"
