"""HTTP/1.1 on the standard library: connections, bodies, limits, and an end without loss."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
import time
import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dure.serve.json_text import error_body
from dure.serve.rest import Api, Reply

_LINE = 65536
_GZIP = 16 + zlib.MAX_WBITS
_LINGER_SECONDS = 2.0


class BodyError(Exception):
    """A body that cannot be read; the connection ends after the reply."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Server(ThreadingHTTPServer):
    """A listening socket, and a thread for each connection.

    Parameters
    ----------
    host : str
        The address to listen at.
    port : int
        The port, 0 for a free one.
    api : Api
        What answers.
    body_limit : int
        The largest body in bytes, as it comes and after decompression.

    Raises
    ------
    OSError
        The address cannot be had.
    """

    request_queue_size = 1024
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, api: Api, body_limit: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.api = api
        self.body_limit = body_limit
        self.draining = False
        self._idle = threading.Condition()
        self._busy = 0
        self._connections: set[socket.socket] = set()
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        """Bind without asking the name service who we are, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    @contextmanager
    def connected(self, connection: socket.socket) -> Iterator[None]:
        """Know of a connection while it is open."""
        with self._idle:
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._idle:
                self._connections.discard(connection)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Know of a request while it is answered."""
        with self._idle:
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def drain(self, seconds: float, hurry: threading.Event) -> int:
        """Stop listening, let requests under way finish, and close every connection.

        Parameters
        ----------
        seconds : float
            How long to wait for them.
        hurry : Event
            Ends the wait early.

        Returns
        -------
        int
            How many requests were not finished in time.
        """
        self.draining = True
        self.shutdown()
        end = time.monotonic() + seconds
        with self._idle:
            while self._busy and time.monotonic() < end and not hurry.is_set():
                self._idle.wait(0.1)
            cut_off, connections = self._busy, list(self._connections)
        for connection in connections:
            # Its own thread may have closed it meanwhile.
            with _ignored_errors():
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        return cut_off

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class names them
        """Say what went wrong, unless it is only that the client has gone."""
        if not isinstance(sys.exception(), OSError):
            sys.stderr.write(traceback.format_exc())


@contextmanager
def _ignored_errors() -> Iterator[None]:
    try:
        yield
    except OSError:
        return


class Handler(BaseHTTPRequestHandler):
    """One connection: requests one after the other, until either side ends it."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = _LINE  # headers and body leave in one packet
    timeout = 60.0  # seconds without a byte, in a request or between two

    def handle(self) -> None:
        """Answer requests until the connection ends."""
        with self.server.connected(self.connection):
            super().handle()

    def do_GET(self) -> None:
        """Answer a request of any method."""
        with self.server.busy():
            if self.server.draining:
                self.close_connection = True
            try:
                body = self._body()
            except BodyError as error:
                self.close_connection = True
                self._reply(Reply(error.status, error_body(error.message)))
                self._linger()
                return
            if body is None:
                self.close_connection = True
                return
            self._reply(
                self.server.api.answer(
                    self.command, self._target(), body, origin=self.headers.get("Origin", "")
                )
            )

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = do_GET  # noqa: N815 - same

    def handle_expect_100(self) -> bool:
        """Ask for the body only if it is not too large."""
        try:
            self._content_length()
        except BodyError as error:
            self.close_connection = True
            self._reply(Reply(error.status, error_body(error.message)))
            return False
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what http.server itself refuses, such as a malformed request line, as JSON."""
        self.close_connection = True
        # Before the request line is understood there is no command and no version to answer in.
        self.command = getattr(self, "command", None) or "GET"
        self.request_version = self.protocol_version
        text = message or explain or self.responses.get(code, ("Bad request", ""))[0]
        self._reply(Reply(int(code), error_body(text)))

    def version_string(self) -> str:
        """Return what the Server header says."""
        return "Dure"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Write no line per request."""

    def _target(self) -> str:
        # RFC 9112 section 3.2.2: a server takes the absolute form, too.
        if not self.path.startswith("/") and "://" in self.path:
            return "/" + self.path.split("://", 1)[1].partition("/")[2]
        return self.path

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.wfile.flush()

    def _linger(self) -> None:
        # Closing while the client still sends would make the kernel throw the reply away.
        end = time.monotonic() + _LINGER_SECONDS
        with _ignored_errors():
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER_SECONDS)
            while time.monotonic() < end and self.rfile.read1(_LINE):
                pass

    # --- bodies -----------------------------------------------------------------------------------

    def _body(self) -> bytes | None:
        """Return the body, or None if the client went away in the middle of it."""
        codings = self.headers.get_all("Transfer-Encoding") or []
        length = self._content_length()
        if codings:
            if length is not None:
                raise BodyError(400, "Both Content-Length and Transfer-Encoding were sent")
            if [coding.strip().lower() for coding in codings] != ["chunked"]:
                raise BodyError(501, "Unsupported Transfer-Encoding; only chunked is supported")
            body = self._chunks()
        else:
            body = self.rfile.read(length or 0)
            if len(body) < (length or 0):
                return None
        if body and "gzip" in self.headers.get("Content-Encoding", "").lower():
            return gunzip(body, self.server.body_limit)
        return body

    def _content_length(self) -> int | None:
        values = {value.strip() for value in self.headers.get_all("Content-Length") or []}
        if not values:
            return None
        value = values.pop()
        if values or not (value.isascii() and value.isdigit()) or len(value) > 19:
            raise BodyError(400, "Malformed Content-Length")
        self._check_size(int(value))
        return int(value)

    def _check_size(self, size: int) -> None:
        limit = self.server.body_limit
        if size > limit:
            raise BodyError(413, f"The body is larger than the limit of {limit} bytes")

    def _chunks(self) -> bytes | None:
        parts, total = [], 0
        while True:
            line = self.rfile.readline(_LINE)
            size_text = line.partition(b";")[0].strip()
            try:
                # int() would also take a sign, a prefix and underscores.
                size = int(size_text, 16) if size_text.isalnum() else -1
            except ValueError:
                size = -1
            if size < 0 or not line.endswith(b"\n"):
                raise BodyError(400, "Malformed chunk")
            total += size
            self._check_size(total)
            if not size:
                break
            part = self.rfile.read(size)
            if len(part) < size:
                return None
            parts.append(part)
            if self.rfile.readline(3).strip():
                raise BodyError(400, "Malformed chunk")
        for _ in range(100):  # trailers, which nothing here needs
            if not self.rfile.readline(_LINE).strip():
                return b"".join(parts)
        raise BodyError(400, "Too many trailers")


def gunzip(body: bytes, limit: int) -> bytes:
    """Return what a gzip body holds, never holding more than ``limit`` bytes of it.

    Parameters
    ----------
    body : bytes
        One or more gzip members.
    limit : int
        The largest result, in bytes.

    Raises
    ------
    BodyError
        It is no gzip, is cut off (400), or holds more than the limit (413).
    """
    parts, room = [], limit + 1
    while body:
        stream = zlib.decompressobj(_GZIP)
        try:
            parts.append(stream.decompress(body, room))
        except zlib.error as error:
            raise BodyError(400, f"Failed to uncompress the gzipped body: {error}") from None
        room -= len(parts[-1])
        if room <= 0:
            raise BodyError(
                413, f"The body is larger than the limit of {limit} bytes when uncompressed"
            )
        if not stream.eof:
            raise BodyError(400, "Failed to uncompress the gzipped body: it is cut off")
        body = stream.unused_data
    return b"".join(parts)
