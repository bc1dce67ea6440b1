"""Tables and queries of SQLite and DuckDB; test_sql_postgres.py has PostgreSQL."""

import sqlite3
from contextlib import closing

import polars as pl
import pytest

from dure.data.batch import ReadOptions
from dure.data.location import Location
from dure.data.readers.sql_reader import read_sql
from dure.errors import DataError, DureError, UsageError


def rows(url, **options):
    batches = list(read_sql(Location.of_url(str(url)), ReadOptions(**options)))
    assert all(batch.found == batch.frame.height + len(batch.refused) for batch in batches)
    return pl.concat([batch.frame for batch in batches], how="vertical_relaxed"), batches


def refusal(url, **options):
    with pytest.raises(DureError) as caught:
        rows(url, **options)
    return str(caught.value)


@pytest.fixture
def trips(tmp_path):
    path = tmp_path / "trips.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE trips (id INTEGER PRIMARY KEY, company TEXT, fare REAL, photo BLOB);"
            "INSERT INTO trips VALUES (1, 'Yellow', 2.5, x'ff00'), (2, NULL, 3, NULL),"
            " (3, '서울', NULL, x'');"
            "CREATE VIEW dear AS SELECT id, fare FROM trips WHERE fare > 2.6;"
            "CREATE TABLE blank (a INTEGER);"
            "CREATE TABLE mixed (n);"
            "INSERT INTO mixed (rowid, n) VALUES (10, 1), (11, NULL), (40, 'many'), (41, 7);"
        )
        connection.commit()
    return path


def test_a_table_of_sqlite_is_read_with_its_types(trips):
    frame, _ = rows(f"sqlite:///{trips}?table=trips")
    assert frame.rows() == [
        (1, "Yellow", 2.5, b"\xff\x00"),
        (2, None, 3.0, None),
        (3, "서울", None, b""),
    ]
    assert frame.schema == {
        "id": pl.Int64,
        "company": pl.String,
        "fare": pl.Float64,
        "photo": pl.Binary,
    }


def test_views_and_queries_are_read(trips):
    assert rows(f"sqlite:///{trips}?table=dear")[0].rows() == [(2, 3.0)]
    frame, _ = rows(f"sqlite:///{trips}", query="SELECT count(*) AS n FROM trips")
    assert frame.to_dict(as_series=False) == {"n": [3]}


def test_a_large_table_comes_in_batches_of_about_the_size_asked_for(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", ((i, "x" * 92) for i in range(5000)))
        connection.commit()
    frame, batches = rows(f"sqlite:///{path}?table=t", batch_bytes=50_000)
    assert frame["a"].to_list() == list(range(5000))
    sizes = [batch.frame.height for batch in batches]
    assert max(sizes) <= 1000
    assert sizes[1] == 500


def test_a_value_of_another_type_is_named_by_its_rowid(trips):
    text = refusal(f"sqlite:///{trips}?table=mixed")
    assert "rowid 40: column 'n' has values of several types" in text
    assert "expected: INTEGER" in text
    assert "got:      TEXT 'many'" in text


def test_or_its_row_is_set_aside(trips):
    frame, (batch,) = rows(f"sqlite:///{trips}?table=mixed", on_bad_rows="quarantine")
    assert frame["n"].to_list() == [1, None, 7]
    (refused,) = batch.refused
    assert (refused.file, refused.place) == ("trips.db", "rowid 40")
    assert refused.reason == "column 'n' has TEXT 'many' among values of INTEGER"


def test_in_a_query_it_is_named_by_its_row(trips):
    text = refusal(f"sqlite:///{trips}", query="SELECT n FROM mixed ORDER BY rowid")
    assert "row 3 of the query" in text


def test_text_that_is_no_utf8_is_bytes_and_so_of_another_type(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
        connection.execute("INSERT INTO t VALUES ('ok'), (CAST(x'ff' AS TEXT))")
        connection.commit()
    assert "rowid 2: column 'a'" in refusal(f"sqlite:///{path}?table=t")


def test_an_empty_table_is_an_error_that_names_it(trips):
    assert "the table 'blank' is empty" in refusal(f"sqlite:///{trips}?table=blank")
    assert "the query gives no rows" in refusal(
        f"sqlite:///{trips}", query="SELECT * FROM trips WHERE id > 9"
    )


def test_a_missing_table_is_answered_with_the_nearest(trips):
    text = refusal(f"sqlite:///{trips}?table=trip")
    assert "has no table 'trip'" in text
    assert "did you mean 'trips'? (known: blank, dear, mixed, trips)" in text


def test_a_wrong_query_shows_what_the_database_says(trips):
    text = refusal(f"sqlite:///{trips}", query="SELECT fair FROM trips")
    assert "no such column: fair" in text


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM trips", "CREATE TABLE x (a)", "DROP TABLE trips", "INSERT INTO mixed VALUES (1)"],
)
def test_nothing_can_be_written(trips, query):
    before = trips.read_bytes()
    assert "attempt to write a readonly database" in refusal(f"sqlite:///{trips}", query=query)
    assert trips.read_bytes() == before
    assert [path.name for path in trips.parent.iterdir()] == ["trips.db"]


def test_a_missing_file_is_not_created(tmp_path):
    assert "there is no file" in refusal(f"sqlite:///{tmp_path}/none.db?table=t")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "a.db").write_text("id,fare\n1,2\n" * 100)
    assert "file is not a database" in refusal(f"sqlite:///{tmp_path}/a.db?table=t")


def test_a_query_or_a_table_is_needed_and_not_both(trips):
    with pytest.raises(UsageError, match="is not said"):
        rows(f"sqlite:///{trips}")
    with pytest.raises(UsageError, match="is unclear"):
        rows(f"sqlite:///{trips}?table=trips", query="SELECT 1")
    with pytest.raises(UsageError, match="settings that mean nothing"):
        rows(f"sqlite:///{trips}?table=trips&mode=rw")
    with pytest.raises(UsageError, match="does not name a file"):
        rows("sqlite://trips.db?table=trips")


def test_columns_of_the_same_name_are_refused(trips):
    text = refusal(f"sqlite:///{trips}", query="SELECT a.id, b.id FROM trips a, trips b")
    assert "more than one 'id'" in text


def test_names_are_quoted(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('CREATE TABLE "a ""b"" c" ("x y" INTEGER) ')
        connection.execute('INSERT INTO "a ""b"" c" VALUES (1)')
        connection.commit()
    assert rows(f'sqlite:///{path}?table=a "b" c')[0].to_dict(as_series=False) == {"x y": [1]}


@pytest.fixture
def duck(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "trips.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE trips AS SELECT 1::INTEGER AS id, 'a' AS company, 2.25::DECIMAL(9,2) AS fare,"
            " DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:00:00.5' AS at,"
            " TIMESTAMPTZ '2024-02-29 12:00:00+09' AS zoned, 'ff'::BLOB AS raw, [1, NULL, 3] AS many,"
            " {'x': 1, 'y': 'z'} AS pair, uuid '00000000-0000-0000-0000-000000000001' AS u,"
            " true AS flag, 1.5::FLOAT AS small, TIME '01:02:03' AS clock, 5::UBIGINT AS large"
        )
        connection.execute("INSERT INTO trips (id) VALUES (2)")
        connection.execute("CREATE TABLE blank (a INTEGER)")
        connection.execute("CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 7 AS seven")
    return path


def test_a_table_of_duckdb_is_read_with_its_types(duck):
    from datetime import UTC, date, datetime, time

    frame, _ = rows(f"duckdb:///{duck}?table=trips")
    first, second = frame.to_dicts()
    zoned = first.pop("zoned")
    assert zoned.replace(tzinfo=UTC) == datetime(2024, 2, 29, 3, tzinfo=UTC)
    assert first == {
        "id": 1,
        "company": "a",
        "fare": 2.25,
        "day": date(2024, 2, 29),
        "at": datetime(2024, 2, 29, 12, 0, 0, 500_000),
        "raw": b"ff",
        "many": [1, None, 3],
        "pair": {"x": 1, "y": "z"},
        "u": "00000000-0000-0000-0000-000000000001",
        "flag": True,
        "small": 1.5,
        "clock": str(time(1, 2, 3)),
        "large": 5,
    }
    assert second.pop("id") == 2
    assert set(second.values()) <= {None} or second["pair"] is None
    assert frame.schema["id"] == pl.Int64


def test_duckdb_answers_queries_and_names_what_is_wrong(duck):
    frame, _ = rows(f"duckdb:///{duck}", query="SELECT range AS n FROM range(40000)")
    assert frame["n"].to_list() == list(range(40_000))
    assert rows(f"duckdb:///{duck}?table=other.t")[0].rows() == [(7,)]
    assert "did you mean 'trips'?" in refusal(f"duckdb:///{duck}?table=trip")
    assert "'blank' is empty" in refusal(f"duckdb:///{duck}?table=blank")
    assert "fair" in refusal(f"duckdb:///{duck}", query="SELECT fair FROM trips")
    assert "Parser Error" in refusal(f"duckdb:///{duck}", query="DELETE FROM trips")


def test_a_missing_duckdb_file_is_not_created(tmp_path):
    assert "there is no file" in refusal(f"duckdb:///{tmp_path}/a.duckdb?table=t")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_duckdb_file_is_refused(tmp_path):
    pytest.importorskip("duckdb")
    (tmp_path / "a.duckdb").write_text("id,fare\n1,2\n" * 100)
    with pytest.raises(DataError):
        rows(f"duckdb:///{tmp_path}/a.duckdb?table=t")


@pytest.mark.parametrize(
    ("package", "url"), [("duckdb", "duckdb:///a"), ("psycopg", "postgresql://h/d")]
)
def test_a_missing_package_is_named_with_its_extra(package, url, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    text = refusal(f"{url}?table=t")
    assert f"needs the package '{package}'" in text
    assert "pip install 'dure[" in text
