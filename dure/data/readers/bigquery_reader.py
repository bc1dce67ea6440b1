"""Tables and queries of BigQuery, as batches: through its storage API, which sends Arrow.

::

    bigquery://project/dataset/table                       a table
    bigquery://project            with query="SELECT ..."  what a query gives
    bigquery://public-data/dataset/table?billing=project   another project pays

The service decides on the order of rows, and into how many streams it cuts them: they are read one
after another. The documented protocol: cloud.google.com/bigquery/docs/reference/storage.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import polars as pl

from dure.data.batch import Batch, ReadOptions
from dure.errors import DataError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from dure.data.location import Location


@dataclass(frozen=True)
class _Target:
    """What a URL names: ``table`` is empty if a query says what to read."""

    project: str
    billing: str
    table: tuple[str, ...]


def read_bigquery(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of a table of BigQuery, or those that a query gives.

    Parameters
    ----------
    location : Location
        ``bigquery://project/dataset/table``, or ``bigquery://project`` with a query.
    options : ReadOptions
        ``query`` is GoogleSQL.

    Raises
    ------
    DataError
        There are no credentials, no such table or no rows, the service refuses, or a stream
        breaks off.
    UsageError
        The URL names neither a table nor a project with a query.
    MissingExtraError
        The client packages are not installed.
    """
    target = _target(location, options)
    bigquery, storage, pyarrow = _packages()
    with _asking(location.url):
        name, total = _table_of(bigquery, target, options)
        client = _storage_client(storage)
        session = client.create_read_session(
            parent=f"projects/{target.billing}",
            read_session=storage.types.ReadSession(
                table=name, data_format=storage.types.DataFormat.ARROW
            ),
        )
        reading = _Reading(pyarrow, session.arrow_schema.serialized_schema, location.url)
        frames: list[pl.DataFrame] = []
        found = size = 0
        for stream in session.streams:
            for response in client.read_rows(stream.name):
                frame = reading.frame(response.arrow_record_batch.serialized_record_batch)
                frames.append(frame)
                found, size = found + response.row_count, size + int(frame.estimated_size())
                if size >= options.batch_bytes:
                    yield reading.batch(frames)
                    frames, size = [], 0
        if frames:
            yield reading.batch(frames)
    _check_count(location.url, target, reading.rows, found, total)


class _Reading:
    """The record batches of one session as frames."""

    def __init__(self, pyarrow: Any, schema: bytes, shown: str) -> None:
        self._pyarrow, self._shown = pyarrow, shown
        self.rows = 0
        # A session without streams, of an empty table, may come without a schema.
        self._schema = pyarrow.ipc.read_schema(pyarrow.py_buffer(schema)) if schema else None

    def frame(self, data: bytes) -> pl.DataFrame:
        pa = self._pyarrow
        try:
            batch = pa.ipc.read_record_batch(pa.py_buffer(data), self._schema)
            batch.validate(full=True)  # Polars believes offsets, and crashes on wrong ones
            table = pa.Table.from_batches([batch])
            for index, field in enumerate(table.schema):
                if pa.types.is_decimal256(field.type):  # BIGNUMERIC: wider than Polars' decimals
                    floats = table.column(index).cast(pa.float64())
                    table = table.set_column(index, field.name, floats)
            frame = pl.from_arrow(table)
        except (pa.ArrowException, pl.exceptions.PolarsError) as error:
            raise DataError(
                f"'{self._shown}': what the service sent cannot be read",
                expected="record batches of Arrow, of types that Dure knows",
                got=f"{error}",
                fix="leave the column out with a query, or cast it to a plain type",
            ) from error
        assert isinstance(frame, pl.DataFrame)
        self.rows += frame.height
        return frame

    def batch(self, frames: list[pl.DataFrame]) -> Batch:
        frame = pl.concat(frames)
        return Batch(frame, (), sum(each.height for each in frames))


def _target(location: Location, options: ReadOptions) -> _Target:
    body, _, settings = location.address.partition("://")[2].partition("?")
    project, *table = body.rstrip("/").split("/")
    billing = parse_qs(settings).get("billing", [project])[0]
    right = len(table) == (0 if options.query is not None else 2)
    if not project or not all(table) or not right:
        raise UsageError(
            f"'{location.url}': what should be read is not said",
            expected="bigquery://project/dataset/table, or bigquery://project with a query",
            got=f"{len(table)} names after the project, and "
            + ("a query" if options.query is not None else "no query"),
        )
    return _Target(project, billing, tuple(table))


def _packages() -> tuple[Any, Any, Any]:
    try:
        import pyarrow as pa
        from google.cloud import bigquery, bigquery_storage
    except ImportError as error:
        raise MissingExtraError(
            "google-cloud-bigquery", extra="bigquery", purpose="reading from BigQuery"
        ) from error
    import pyarrow.ipc  # not loaded with pyarrow itself

    return bigquery, bigquery_storage, pa


def _storage_client(storage: Any) -> Any:
    return storage.BigQueryReadClient()


def _query_client(bigquery: Any, project: str) -> Any:
    return bigquery.Client(project=project)


def _table_of(bigquery: Any, target: _Target, options: ReadOptions) -> tuple[str, int | None]:
    """Return the resource name of the table to read, and how many rows it has, if that is known."""
    if options.query is None:
        dataset, table = target.table
        return f"projects/{target.project}/datasets/{dataset}/tables/{table}", None
    client = _query_client(bigquery, target.billing)
    job = client.query(options.query)
    result = job.result()
    where = job.destination
    if where is None:
        raise UsageError(
            "the query gives no table",
            expected="a SELECT",
            got=f"a statement of type {job.statement_type}",
        )
    name = f"projects/{where.project}/datasets/{where.dataset_id}/tables/{where.table_id}"
    return name, result.total_rows


def _check_count(shown: str, target: _Target, rows: int, found: int, total: int | None) -> None:
    wanted = found if total is None else total
    if rows != wanted or rows != found:
        raise DataError(
            f"'{shown}': rows were lost on the way",
            expected=f"{wanted:,} rows, as the service counts them",
            got=f"{rows:,} rows in what it sent",
            fix="read it again",
        )
    if not rows:
        raise DataError(
            f"'{shown}': {'the table is empty' if target.table else 'the query gives no rows'}",
            expected="at least one row",
            got="none",
            fix="check the name, or the conditions of the query",
        )


@contextmanager
def _asking(shown: str) -> Iterator[None]:
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except GoogleAuthError as error:
        raise DataError(
            f"'{shown}': there are no credentials for Google Cloud",
            expected="application default credentials, or GOOGLE_APPLICATION_CREDENTIALS",
            got=f"{error}",
            fix="gcloud auth application-default login",
        ) from error
    except GoogleAPIError as error:
        raise DataError(
            f"'{shown}': BigQuery refused, or broke off",
            expected="a service that sends all rows",
            got=f"{type(error).__name__}: {error}",
            fix="check the names, the query and the permissions, and read it again",
        ) from error
