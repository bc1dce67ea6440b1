"""One place that data is read from: how it is called, opened, and what it never shows."""

from __future__ import annotations

import functools
import http.server
import pickle
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dure.data.batch import ReadOptions
from dure.data.location import Location, last_part, scheme_of, shown, suffix_of
from dure.data.readers.csv_reader import read_csv
from dure.data.remote import without_secrets
from dure.data.sources import find
from dure.errors import DataError

pytestmark = pytest.mark.usefixtures("clients_leave_sockets")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket/a.csv", "s3://bucket/a.csv"),
        ("https://ann:secret@host/a.csv?token=abc", "https://ann:***@host/a.csv?…"),
        ("postgresql://ann:p@ss/w:rd@host:5432/db", "postgresql://ann:***@host:5432/db"),
        ("http://host:8080/a@b.csv", "http://host:8080/a@b.csv"),
        ("s3://bucket/folder/a:b@c.csv", "s3://bucket/folder/a:b@c.csv"),
        ("duckdb:///data/trips.duckdb", "duckdb:///data/trips.duckdb"),
    ],
)
def test_a_url_is_shown_without_what_is_secret(url: str, name: str) -> None:
    assert shown(url) == name
    assert Location.of_url(url).url == name
    assert url == name or url not in repr(Location.of_url(url))


@given(
    st.text("abc123:/@%", min_size=1).map(lambda text: f"{text}SECRET"),
    st.sampled_from(["http", "postgresql+psycopg", "s3"]),
)
def test_no_password_is_ever_shown(password: str, scheme: str) -> None:
    assume(scheme != "http" or not re.match(r"\d+/", password))  # that is a port
    url = f"{scheme}://ann:{password}@host/data.csv?key=SECRET"
    assert "SECRET" not in shown(url)
    assert "SECRET" not in without_secrets(f"403, url='{url}' is forbidden")


def test_names_and_endings_of_places() -> None:
    assert last_part("https://host/a%20b.csv?x=/y.csv") == "a b.csv"
    assert last_part("s3://bucket/folder/a.csv") == "a.csv"
    assert last_part("folder/a.csv") == "a.csv"
    assert suffix_of("A.CSV.gz") == ".csv"
    assert suffix_of("a.gz") == ""
    assert scheme_of("postgresql+psycopg://host/db") == "postgresql"
    assert scheme_of("c:/data.csv") == scheme_of("data.csv") == ""


def test_a_place_can_be_sent_to_another_process() -> None:
    place = Location.of_url("s3://bucket/a.csv")
    assert pickle.loads(pickle.dumps(place)) == place


def test_a_file_that_is_gone_by_the_time_it_is_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    [place] = find(tmp_path).locations
    (tmp_path / "a.csv").unlink()
    with pytest.raises(DataError, match=r"a\.csv' is gone"):
        place.open()
    with pytest.raises(DataError, match=r"a\.csv' is gone"):
        list(read_csv(place, ReadOptions()))


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; two names go wrong."""

    def do_GET(self) -> None:
        if self.path.startswith("/forbidden"):
            self.send_error(403)
        elif self.path.startswith("/broken"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"a,b\n1,2\n")
        else:
            super().do_GET()

    def do_HEAD(self) -> None:
        if self.path.startswith("/forbidden"):
            self.send_error(403)
        elif self.path.startswith("/broken"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
        else:
            super().do_HEAD()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(Handler, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def rows(url: str) -> list[tuple[object, ...]]:
    found = find(url)
    return [
        row
        for place in found.locations
        for batch in read_csv(place, ReadOptions())
        for row in batch.frame.rows()
    ]


def test_a_file_is_read_over_http(tmp_path: Path, web: str) -> None:
    (tmp_path / "a b.csv").write_text("a,b\n1,2\n3,4\n")
    assert rows(f"{web}/a%20b.csv?token=abc") == [(1, 2), (3, 4)]
    [place] = find(f"{web}/a%20b.csv?token=abc").locations
    assert place.name == "a b.csv"
    assert "abc" not in place.url


def test_a_large_file_is_read_over_http_to_its_end(tmp_path: Path, web: str) -> None:
    (tmp_path / "a.csv").write_text("a\n" + "".join(f"{i}\n" for i in range(400_000)))
    assert len(rows(f"{web}/a.csv")) == 400_000


def test_what_is_not_there_over_http_is_named_without_its_secrets(web: str) -> None:
    for path in ("none.csv", "forbidden.csv"):
        with pytest.raises(DataError) as caught:
            rows(f"{web}/{path}?token=SECRET")
        assert f"{path}?…" in str(caught.value)
        assert "SECRET" not in f"{caught.value} {caught.value.__cause__}"


def test_a_transfer_that_breaks_off_is_an_error(web: str) -> None:
    with pytest.raises(DataError, match="could not be read to its end") as caught:
        rows(f"{web}/broken.csv?token=SECRET")
    assert "SECRET" not in f"{caught.value} {caught.value.__cause__}"


def test_a_server_that_does_not_answer_is_an_error(web: str) -> None:
    with pytest.raises(DataError):
        rows("http://127.0.0.1:9/a.csv?token=SECRET")
