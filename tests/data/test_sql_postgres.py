"""Tables and queries of PostgreSQL, on a server that tools/with-postgres lends."""

import os
from datetime import UTC, date, datetime, time

import polars as pl
import pytest

from dure.data.batch import ReadOptions
from dure.data.location import Location
from dure.data.readers.sql_reader import read_sql
from dure.errors import DataError

URL = os.environ.get("DURE_TEST_POSTGRES", "")
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not URL, reason="DURE_TEST_POSTGRES names no server"),
]
SCHEMA = "reader_tests"


def read(url, **options):
    batches = read_sql(Location.of_url(url), ReadOptions(**options))
    return pl.concat([batch.frame for batch in batches])


@pytest.fixture
def server():
    import psycopg

    with psycopg.connect(URL, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        yield connection
        connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def test_every_type_comes_as_documented(server):
    server.execute(
        f"""CREATE TABLE {SCHEMA}.trips AS SELECT
        1::smallint AS small, 2^40::int8 AS big, 2.5::real AS r, 0.1::float8 AS d,
        12.25::numeric(9,2) AS fare, true AS flag, 'a'::text AS t, 'b'::char(1) AS c,
        DATE '2024-02-29' AS day, TIME '01:02:03' AS clock, TIMESTAMP '2024-02-29 12:00' AS at,
        TIMESTAMPTZ '2024-02-29 12:00+09' AS zoned, '\\xff00'::bytea AS raw,
        '{{"a": [1]}}'::jsonb AS j, ARRAY[1,NULL,3] AS many, ARRAY[[1,2],[3,4]] AS grid,
        ARRAY['x'] AS words, '00000000-0000-0000-0000-000000000001'::uuid AS u,
        INTERVAL '1 day' AS i"""
    )
    server.execute(f"INSERT INTO {SCHEMA}.trips (small) VALUES (2)")
    frame = read(f"{URL}?table={SCHEMA}.trips")
    first, second = frame.to_dicts()
    assert first == {
        "small": 1,
        "big": 2**40,
        "r": 2.5,
        "d": 0.1,
        "fare": 12.25,
        "flag": True,
        "t": "a",
        "c": "b",
        "day": date(2024, 2, 29),
        "clock": time(1, 2, 3),
        "at": datetime(2024, 2, 29, 12),
        "zoned": datetime(2024, 2, 29, 3, tzinfo=UTC),
        "raw": b"\xff\x00",
        "j": '{"a": [1]}',
        "many": [1, None, 3],
        "grid": [[1, 2], [3, 4]],
        "words": ["x"],
        "u": "00000000-0000-0000-0000-000000000001",
        "i": "1 day",
    }
    assert second.pop("small") == 2
    assert set(second.values()) == {None}


def test_a_large_result_comes_in_batches(server):
    query = "SELECT n, repeat('x', 92) AS t FROM generate_series(1, 5000) n"
    location = Location.of_url(URL)
    batches = list(read_sql(location, ReadOptions(query=query, batch_bytes=50_000)))
    assert pl.concat([batch.frame for batch in batches])["n"].to_list() == list(range(1, 5001))
    assert max(batch.frame.height for batch in batches) <= 1000


def failure(url, **options):
    with pytest.raises(DataError) as caught:
        read(url, **options)
    password = URL.partition("://")[2].partition("@")[0].partition(":")[2]
    assert password not in str(caught.value)
    return str(caught.value)


def test_what_is_wrong_is_said_without_the_password(server):
    server.execute(f"CREATE TABLE {SCHEMA}.nothing (a int)")
    assert f"'{SCHEMA}.nothing' is empty" in failure(f"{URL}?table={SCHEMA}.nothing")
    text = failure(f"{URL}?table={SCHEMA}.nothin")
    assert f"did you mean '{SCHEMA}.nothing'?" in text
    assert 'column "fair" does not exist' in failure(URL, query="SELECT fair FROM pg_class")
    wrong = URL.replace("dure:", "dure:no", 1)
    assert "password authentication failed" in failure(wrong, query="SELECT 1")
    host = URL.rpartition("@")[2].partition("/")[0]
    assert "refused" in failure(URL.replace(host, "127.0.0.1:1"), query="SELECT 1")


def test_nothing_can_be_written(server):
    server.execute(f"CREATE TABLE {SCHEMA}.t AS SELECT 1 AS a")
    writing = f"WITH gone AS (DELETE FROM {SCHEMA}.t RETURNING a) SELECT * FROM gone"
    failure(URL, query=writing)
    server.execute(
        f"CREATE FUNCTION {SCHEMA}.f() RETURNS int AS 'DELETE FROM {SCHEMA}.t RETURNING a'"
        " LANGUAGE sql"
    )
    assert "read-only transaction" in failure(URL, query=f"SELECT {SCHEMA}.f() AS a")
    assert server.execute(f"SELECT count(*) FROM {SCHEMA}.t").fetchone() == (1,)


def test_a_connection_that_is_cut_in_the_middle_is_an_error(server):
    # Rows that come slowly, so that the server ends the connection while they come.
    query = (
        "SELECT n, pg_backend_pid() AS pid, repeat('x', 9999) AS t FROM generate_series(1, 99999) n"
    )
    batches = read_sql(Location.of_url(URL), ReadOptions(query=query, batch_bytes=1 << 16))
    pid = next(batches).frame["pid"][0]
    server.execute("SELECT pg_terminate_backend(%s)", [pid])
    with pytest.raises(DataError, match="refused"):
        list(batches)
