"""BigQuery's own clients, against a server on this machine that speaks its two protocols."""

import json
import threading
from concurrent import futures
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import polars as pl
import pytest

pa = pytest.importorskip("pyarrow")
grpc = pytest.importorskip("grpc")
storage = pytest.importorskip("google.cloud.bigquery_storage")

from google.auth.credentials import AnonymousCredentials  # noqa: E402
from google.cloud import bigquery  # noqa: E402
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (  # noqa: E402
    BigQueryReadGrpcTransport,
)

from dure.data.batch import ReadOptions  # noqa: E402
from dure.data.location import Location  # noqa: E402
from dure.data.readers import bigquery_reader  # noqa: E402
from dure.errors import DataError, DureError, UsageError  # noqa: E402

pytestmark = pytest.mark.usefixtures("clients_leave_sockets")

SERVICE = "google.cloud.bigquery.storage.v1.BigQueryRead"
TABLE = pa.table(
    {
        "id": pa.array([1, 2, 3, 4, 5]),
        "company": pa.array(["a", None, "c", "서울", "e"]),
        "fare": pa.array([Decimal("1.50"), None, Decimal(2), None, None], pa.decimal128(38, 9)),
        "wide": pa.array([Decimal("1.5"), None, Decimal(2), None, None], pa.decimal256(76, 38)),
        "day": pa.array([date(2024, 2, 29), None, None, None, None]),
        "at": pa.array(
            [datetime(2024, 2, 29, 3, tzinfo=UTC)] + [None] * 4, pa.timestamp("us", "UTC")
        ),
        "many": pa.array([[1, 2], [], [3], [], []]),
        "stop": pa.array(
            [{"x": 1, "tags": [{"k": "a"}]}, None, {"x": None, "tags": []}, None, None]
        ),
    }
)


class Service:
    """CreateReadSession and ReadRows, as documented; ``streams`` are lists of record batches."""

    def __init__(self, table):
        self.streams = [[table.slice(0, 2), table.slice(2, 1)], [table.slice(3, 2)]]
        self.schema = table.schema.serialize().to_pybytes()
        self.asked, self.failure, self.lost = [], None, False

    def create(self, request, context):
        request = storage.types.CreateReadSessionRequest.deserialize(request)
        self.asked.append((request.parent, request.read_session.table))
        if "missing" in request.read_session.table:
            context.abort(grpc.StatusCode.NOT_FOUND, "Not found: Table missing")
        session = storage.types.ReadSession(
            name="session",
            arrow_schema={"serialized_schema": self.schema},
            streams=[{"name": str(number)} for number in range(len(self.streams))],
        )
        return storage.types.ReadSession.serialize(session)

    def read(self, request, context):
        request = storage.types.ReadRowsRequest.deserialize(request)
        for at, table in enumerate(self.streams[int(request.read_stream)]):
            if self.failure == (request.read_stream, at):
                context.abort(grpc.StatusCode.DATA_LOSS, "the stream broke")
            (batch,) = table.combine_chunks().to_batches()
            response = storage.types.ReadRowsResponse(
                row_count=batch.num_rows + self.lost,
                arrow_record_batch={"serialized_record_batch": batch.serialize().to_pybytes()},
            )
            yield storage.types.ReadRowsResponse.serialize(response)


def rest_handler(total):
    table = {"projectId": "p", "datasetId": "anon", "tableId": "result"}
    job = {
        "jobReference": {"projectId": "p", "jobId": "j", "location": "US"},
        "status": {"state": "DONE"},
        "configuration": {"query": {"query": "", "destinationTable": table}, "jobType": "QUERY"},
        "statistics": {"query": {"statementType": "SELECT"}},
    }

    class Handler(BaseHTTPRequestHandler):
        def answer(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "fair" in json.dumps(asked):
                said = "Unrecognized name: fair"
                self.answer(400, {"error": {"code": 400, "message": said, "errors": []}})
            else:
                self.answer(200, job | {"jobReference": asked["jobReference"]})

        def do_GET(self):
            if "/queries/" in self.path:
                schema = {"fields": [{"name": "id", "type": "INTEGER"}]}
                done = {"jobComplete": True, "totalRows": str(total), "schema": schema}
                self.answer(200, done | {"jobReference": job["jobReference"]})
            else:
                self.answer(200, job)

        def log_message(self, *arguments):
            pass

    return Handler


@pytest.fixture
def service(monkeypatch):
    fake = Service(TABLE)
    server = grpc.server(futures.ThreadPoolExecutor(2))
    methods = {
        "CreateReadSession": grpc.unary_unary_rpc_method_handler(fake.create),
        "ReadRows": grpc.unary_stream_rpc_method_handler(fake.read),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    rest = ThreadingHTTPServer(("127.0.0.1", 0), rest_handler(TABLE.num_rows))
    thread = threading.Thread(target=rest.serve_forever)
    thread.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def storage_client(package):
        return package.BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))

    clients = []

    def query_client(package, project):
        clients.append(
            package.Client(
                project=project,
                credentials=AnonymousCredentials(),
                client_options={"api_endpoint": f"http://127.0.0.1:{rest.server_port}"},
            )
        )
        return clients[-1]

    monkeypatch.setattr(bigquery_reader, "_storage_client", storage_client)
    monkeypatch.setattr(bigquery_reader, "_query_client", query_client)
    yield fake
    for client in clients:
        client.close()
    channel.close()
    server.stop(None).wait()
    rest.shutdown()
    thread.join()
    rest.server_close()


def read(url, **options):
    return list(bigquery_reader.read_bigquery(Location.of_url(url), ReadOptions(**options)))


def test_all_streams_of_a_table_are_read_with_their_types(service):
    (batch,) = read("bigquery://p/d/trips")
    assert service.asked == [("projects/p", "projects/p/datasets/d/tables/trips")]
    assert batch.found == 5
    frame = batch.frame
    assert frame["id"].to_list() == [1, 2, 3, 4, 5]
    assert frame["company"].to_list() == TABLE["company"].to_pylist()
    assert frame["fare"].cast(pl.Float64).to_list() == [1.5, None, 2.0, None, None]
    assert frame["wide"].to_list() == [1.5, None, 2.0, None, None]
    assert frame["at"][0] == datetime(2024, 2, 29, 3, tzinfo=UTC)
    assert frame["many"].to_list() == TABLE["many"].to_pylist()
    assert frame["stop"].to_list() == TABLE["stop"].to_pylist()


def test_batches_are_about_as_large_as_asked_for(service):
    assert [batch.frame.height for batch in read("bigquery://p/d/t", batch_bytes=1)] == [2, 1, 2]


def test_another_project_may_pay(service):
    read("bigquery://public/d/t?billing=mine")
    assert service.asked == [("projects/mine", "projects/public/datasets/d/tables/t")]


def test_a_query_is_run_and_its_result_read(service):
    (batch,) = read("bigquery://p", query="SELECT * FROM d.trips")
    assert batch.frame.height == 5
    assert service.asked == [("projects/p", "projects/p/datasets/anon/tables/result")]


def test_a_wrong_query_shows_what_the_service_says(service):
    with pytest.raises(DataError, match="Unrecognized name: fair"):
        read("bigquery://p", query="SELECT fair FROM d.trips")


def test_a_missing_table_shows_what_the_service_says(service):
    with pytest.raises(DataError, match="Not found: Table missing"):
        read("bigquery://p/d/missing")


def test_a_stream_that_breaks_is_an_error(service):
    service.failure = ("0", 1)
    with pytest.raises(DataError, match="the stream broke"):
        read("bigquery://p/d/t")


def test_rows_that_the_service_counts_and_does_not_send_are_an_error(service):
    service.lost = True
    with pytest.raises(DataError, match="rows were lost on the way"):
        read("bigquery://p/d/t")


def test_fewer_rows_than_the_query_has_are_an_error(service):
    service.streams.pop()
    with pytest.raises(DataError, match="rows were lost on the way"):
        read("bigquery://p", query="SELECT 1")


def test_an_empty_table_is_an_error(service):
    service.streams = []
    with pytest.raises(DataError, match="the table is empty"):
        read("bigquery://p/d/t")


def test_what_is_no_arrow_is_an_error(service):
    service.schema = pa.schema([("other", pa.string())]).serialize().to_pybytes()
    with pytest.raises(DataError, match="what the service sent cannot be read"):
        read("bigquery://p/d/t")


@pytest.mark.parametrize(
    "url", ["bigquery://p", "bigquery://p/d", "bigquery:///d/t", "bigquery://p/d/t/x"]
)
def test_a_url_that_names_no_table_is_refused(url):
    with pytest.raises(UsageError, match="what should be read is not said"):
        read(url)


def test_a_table_and_a_query_are_too_much():
    with pytest.raises(UsageError):
        read("bigquery://p/d/t", query="SELECT 1")


def test_missing_credentials_are_said_to_be_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(DataError, match="there are no credentials for Google Cloud") as caught:
        read("bigquery://p/d/t")
    assert "gcloud auth application-default login" in str(caught.value)


def test_without_the_client_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "google.cloud.bigquery", None)
    monkeypatch.delattr("google.cloud.bigquery", raising=False)
    with pytest.raises(DureError, match="needs the package 'google-cloud-bigquery'"):
        read("bigquery://p/d/t")


assert bigquery  # imported so that its absence skips this file
