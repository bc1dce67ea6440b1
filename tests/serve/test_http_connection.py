"""HTTP as it is spoken: connections that stay, bodies of every kind, limits, and rude clients."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.serve.connection import BodyError, Server, gunzip
from dure.serve.rest import Reply

LIMIT = 1000


class Echo:
    """Answers with what it was asked."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def answer(self, method: str, target: str, body: bytes, *, origin: str = "") -> Reply:
        self.entered.release()
        assert self.gate.wait(30)
        if target == "/fault":
            raise ZeroDivisionError
        text = json.dumps([method, target, body.decode("latin-1"), origin])
        return Reply(200, text.encode())


@contextmanager
def running(echo: Echo) -> Iterator[Server]:
    server = Server("127.0.0.1", 0, echo, LIMIT)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        echo.gate.set()
        server.drain(5, threading.Event())
        thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(Echo()) as made:
        yield made


def send(server: Server, raw: bytes, *, end: bool = True) -> bytes:
    """Send bytes, and return everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(raw)
        if end:
            connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
        return b"".join(parts)


def status(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def error(reply: bytes) -> tuple[int, str]:
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"Content-Type: application/json" in head
    assert b"Connection: close" in head
    return status(reply), json.loads(body)["error"]


def test_a_connection_answers_one_request_after_the_other(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    sockets = set()
    for number in range(20):
        body = b"x" * number
        connection.request("POST", f"/{number}", body, {"Origin": "o"})
        reply = connection.getresponse()
        assert json.loads(reply.read()) == ["POST", f"/{number}", "x" * number, "o"]
        assert reply.getheader("Content-Type") == "application/json"
        assert reply.getheader("Connection") is None
        sockets.add(connection.sock)
    assert len(sockets) == 1
    connection.close()


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    one = b"POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n%d"
    reply = send(server, b"".join(one % (n, n) for n in range(5)))
    assert [reply.find(b'"/%d", "%d"' % (n, n)) > 0 for n in range(5)] == [True] * 5
    assert reply.count(b"HTTP/1.1 200 OK") == 5


def test_http_1_0_is_closed_after_the_reply(server: Server) -> None:
    reply = send(server, b"GET / HTTP/1.0\r\n\r\n", end=False)
    assert status(reply) == 200


def test_connection_close_is_honoured(server: Server) -> None:
    reply = send(server, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", end=False)
    assert reply.count(b"HTTP/1.1") == 1


def test_head_has_no_body_and_keeps_the_connection_usable(server: Server) -> None:
    reply = send(server, b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n")
    head, _, rest = reply.partition(b"\r\n\r\n")
    assert b"Content-Length: " in head
    assert rest.startswith(b"HTTP/1.1 200 OK")


def test_the_absolute_form_of_an_address_is_taken(server: Server) -> None:
    assert b'"/v1/x?y"' in send(server, b"GET http://h:1/v1/x?y HTTP/1.1\r\nHost: h\r\n\r\n")


POST = b"POST / HTTP/1.1\r\nHost: h\r\n"


@pytest.mark.parametrize(
    "length", [b"-1", b"+5", b"0x10", b"1_0", b"five", b"", b"5, 5", b"1.0", "٥".encode()]
)
def test_a_malformed_length_is_a_400(server: Server, length: bytes) -> None:
    reply = send(server, POST + b"Content-Length: " + length + b"\r\n\r\nhello")
    assert error(reply) == (400, "Malformed Content-Length")


def test_two_lengths_must_agree(server: Server) -> None:
    twice = POST + b"Content-Length: 5\r\nContent-Length: %d\r\n\r\nhello"
    assert error(send(server, twice % 6))[0] == 400
    assert status(send(server, twice % 5)) == 200


def test_a_length_and_chunks_together_are_refused(server: Server) -> None:
    raw = POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert error(send(server, raw))[0] == 400


def test_a_body_that_ends_early_gets_no_reply(server: Server) -> None:
    assert send(server, POST + b"Content-Length: 10\r\n\r\nhello") == b""
    assert send(server, POST + b"Transfer-Encoding: chunked\r\n\r\nA\r\nhello") == b""


@pytest.mark.parametrize("extra", [1, 10**6, 10**18])
def test_a_body_over_the_limit_is_a_413(server: Server, extra: int) -> None:
    raw = POST + b"Content-Length: %d\r\n\r\n" % (LIMIT + extra)
    assert error(send(server, raw + b"x" * min(extra, 10**6))) == (
        413,
        "The body is larger than the limit of 1000 bytes",
    )


def test_a_body_of_just_the_limit_is_taken(server: Server) -> None:
    raw = POST + b"Content-Length: %d\r\n\r\n" % LIMIT + b"x" * LIMIT
    assert b"x" * LIMIT in send(server, raw)


def test_expect_100_is_answered_at_once_and_a_large_body_never_asked_for(server: Server) -> None:
    expect = POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(expect % 5)
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        assert b'"hello"' in connection.recv(1000)
    assert status(send(server, expect % (LIMIT + 1), end=False)) == 413


CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def test_chunks_are_put_together(server: Server) -> None:
    raw = CHUNKED + b"5\r\nhello\r\n1;ext=1\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
    reply = send(server, raw + b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
    assert b'"hello 0123456789"' in reply
    assert b'"/next"' in reply


@pytest.mark.parametrize(
    "chunks",
    [b"x\r\n", b"-1\r\n", b"+1\r\na\r\n", b"0x1\r\na\r\n", b"\r\n", b"1\r\nab\r\n0\r\n\r\n", b"1_0\r\n", b"5"],
)  # fmt: skip
def test_malformed_chunks_are_a_400(server: Server, chunks: bytes) -> None:
    assert error(send(server, CHUNKED + chunks)) == (400, "Malformed chunk")


def test_chunks_over_the_limit_are_a_413_before_they_are_read(server: Server) -> None:
    assert error(send(server, CHUNKED + b"FFFFFFFFFFFF\r\n"))[0] == 413
    many = b"".join(b"64\r\n" + b"x" * 100 + b"\r\n" for _ in range(11))
    assert error(send(server, CHUNKED + many))[0] == 413


def test_endless_trailers_are_a_400(server: Server) -> None:
    assert error(send(server, CHUNKED + b"0\r\n" + b"a: b\r\n" * 200))[0] == 400


@pytest.mark.parametrize(
    "coding", [b"gzip, chunked", b"identity", b"chunked\r\nTransfer-Encoding: chunked"]
)
def test_other_transfer_codings_are_a_501(server: Server, coding: bytes) -> None:
    raw = POST + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n"
    assert error(send(server, raw))[0] == 501


def zipped(body: bytes) -> bytes:
    return POST + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def test_a_gzipped_body_is_opened(server: Server) -> None:
    assert b'"hello"' in send(server, zipped(gzip.compress(b"hello", mtime=0)))
    assert b'""' in send(server, zipped(b""))


@pytest.mark.parametrize(
    "body", [b"hello", gzip.compress(b"hello", mtime=0)[:-1], zlib.compress(b"hello")]
)
def test_what_is_no_gzip_is_a_400(server: Server, body: bytes) -> None:
    code, text = error(send(server, zipped(body)))
    assert code == 400
    assert text.startswith("Failed to uncompress the gzipped body")


def test_a_gzip_bomb_is_a_413(server: Server) -> None:
    bomb = gzip.compress(b"x" * 100_000)
    assert len(bomb) < LIMIT
    assert error(send(server, zipped(bomb)))[0] == 413


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(0, 600))
def test_gunzip_gives_what_went_in_or_says_that_it_is_too_large(
    members: list[bytes], limit: int
) -> None:
    whole, body = b"".join(members), b"".join(map(gzip.compress, members))
    if len(whole) <= limit:
        assert gunzip(body, limit) == whole
    else:
        with pytest.raises(BodyError) as caught:
            gunzip(body, limit)
        assert caught.value.status == 413


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"GET / FTP/1.1\r\n\r\n", 400),
        (b"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 70_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_http_is_refused_as_json(server: Server, raw: bytes, code: int) -> None:
    assert error(send(server, raw))[0] == code


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(alphabet="GETPOS /HTP1.:\r\nContent-Lgh0123456789 chunkedTrasf", max_size=200).map(
        str.encode
    )
)
def test_any_bytes_leave_the_server_alive(server: Server, raw: bytes) -> None:
    reply = send(server, raw)
    assert reply == b"" or status(reply) in (200, 400, 414, 431, 501, 505)
    assert status(send(server, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")) == 200


def test_a_client_that_leaves_does_not_disturb_others(capfd: pytest.CaptureFixture[str]) -> None:
    echo = Echo()
    with running(echo) as server:
        echo.gate.clear()
        rude = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(20)]
        for connection in rude:
            connection.sendall(POST + b"Content-Length: 5\r\n\r\nhello")
        for _ in rude:
            assert echo.entered.acquire(timeout=10)
        for connection in rude:
            # A reset, so that writing the reply fails.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        echo.gate.set()
        assert status(send(server, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")) == 200
    assert capfd.readouterr().err == ""


def test_a_fault_in_the_handler_is_on_the_console_and_ends_only_its_connection(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with running(Echo()) as server:
        assert send(server, b"GET /fault HTTP/1.1\r\nHost: h\r\n\r\n") == b""
        assert status(send(server, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")) == 200
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_draining_finishes_what_is_under_way_and_closes_what_is_idle() -> None:
    echo = Echo()
    with running(echo) as server:
        idle = socket.create_connection(("127.0.0.1", server.server_port), timeout=10)
        busy = socket.create_connection(("127.0.0.1", server.server_port), timeout=10)
        idle.sendall(b"GET /idle HTTP/1.1\r\nHost: h\r\n\r\n")
        assert b"/idle" in idle.recv(1000)
        assert echo.entered.acquire(timeout=10)  # by the first; what follows waits for the second
        echo.gate.clear()
        busy.sendall(b"GET /busy HTTP/1.1\r\nHost: h\r\n\r\n")
        assert echo.entered.acquire(timeout=10)
        assert server._busy > 0
        cut_off: list[int] = []
        thread = threading.Thread(
            target=lambda: cut_off.append(server.drain(10, threading.Event()))
        )
        thread.start()
        threading.Timer(0.3, echo.gate.set).start()
        assert b"/busy" in busy.recv(1000)
        thread.join()
        assert cut_off == [0]
        assert idle.recv(1000) == b""
        idle.close()
        busy.close()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", server.server_port))


@pytest.mark.parametrize("hurried", [True, False])
def test_draining_does_not_wait_for_ever(hurried: bool) -> None:
    echo = Echo()
    with running(echo) as server:
        echo.gate.clear()
        connection = socket.create_connection(("127.0.0.1", server.server_port), timeout=10)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert echo.entered.acquire(timeout=10)
        hurry = threading.Event()
        if hurried:
            hurry.set()
        assert server.drain(60 if hurried else 0.2, hurry) == 1
        connection.close()
