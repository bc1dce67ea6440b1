"""How a request can fail: TensorFlow's status codes, and the HTTP status of each."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """TensorFlow's canonical status codes, as the runtime and TensorFlow Serving number them."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @classmethod
    def _missing_(cls, value: object) -> Code:  # noqa: ARG003 - the enum protocol names the argument
        # A newer runtime may answer with a code that this table does not know.
        return cls.UNKNOWN

    @property
    def http(self) -> int:
        """The HTTP status that TensorFlow Serving answers with."""
        return _HTTP.get(self, 500)


_HTTP = {
    Code.OK: 200,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.OUT_OF_RANGE: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.CANCELLED: 499,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}


class RequestError(Exception):
    """A request that cannot be answered; it becomes an error reply, never a traceback.

    Unlike a `dure.errors.DureError` it is not meant for whoever runs the server, but for the
    client, in the words of TensorFlow Serving.

    Parameters
    ----------
    code : Code
        The status.
    message : str
        The text of the reply's ``error``.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        """Return the status as TensorFlow writes it: ``INVALID_ARGUMENT: text``."""
        return f"{self.code.name}: {self.message}"


def invalid(message: str) -> RequestError:
    """Return an INVALID_ARGUMENT error."""
    return RequestError(Code.INVALID_ARGUMENT, message)
