"""What each address of the REST interface answers, apart from any network."""

from __future__ import annotations

import re
import sys
import traceback
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import unquote

from dure.serve.json_request import decode
from dure.serve.json_response import encode
from dure.serve.json_text import error_body
from dure.serve.metadata import metadata_body, status_body
from dure.serve.runner import Signature
from dure.serve.status import Code, RequestError, invalid
from dure.serve.versions import Handle, Versions

_FLAGS = re.IGNORECASE | re.ASCII
_ANY = re.compile(r"/v1/.*", _FLAGS)
_VERSION = r"(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?"
_POST = re.compile(rf"/v1/models/([^/:]+){_VERSION}:(classify|regress|predict)", _FLAGS)
_GET = re.compile(rf"/v1/models(?:/([^/:]+))?{_VERSION}(?:/(metadata))?", _FLAGS)
_LARGEST = (1 << 63) - 1


@dataclass(frozen=True)
class Reply:
    """An answer: the HTTP status and the body, which is JSON."""

    status: int
    body: bytes


@dataclass(frozen=True)
class _Address:
    """Which model a path names, and what it wants of it."""

    name: str
    version: int | None
    label: str | None
    what: str


class Api:
    """The REST interface of one model.

    Parameters
    ----------
    name : str
        The name of the model.
    versions : Versions
        Its versions.
    """

    def __init__(self, name: str, versions: Versions) -> None:
        self._name = name
        self._versions = versions

    def answer(self, method: str, target: str, body: bytes, *, origin: str = "") -> Reply:
        """Answer one request; safe from many threads, and never raises.

        Parameters
        ----------
        method : str
            The HTTP method.
        target : str
            Path and query as they came, still percent-encoded.
        body : bytes
            The whole body.
        origin : str
            The header of that name.
        """
        if not _ANY.fullmatch(target):
            return Reply(404, error_body(f"Not found: {method} {target}"))
        if method == "OPTIONS":
            return Reply(200 if re.search("https?://", origin) else 400, b"")
        try:
            return Reply(200, self._dispatch(method, target, body))
        except RequestError as error:
            return Reply(error.code.http, error_body(error.message))
        except Exception:  # noqa: BLE001 - a fault of the server is a reply, not a lost connection
            sys.stderr.write(traceback.format_exc())
            return Reply(500, error_body("Internal error; the server's console says more"))

    def _dispatch(self, method: str, target: str, body: bytes) -> bytes:
        address = _parse(method, target)
        if method == "POST":
            if address.what == "predict":
                return self._predict(address, body)
            raise RequestError(
                Code.UNIMPLEMENTED, f"Method {address.what} is not supported; use predict"
            )
        if not address.name:
            raise invalid("Missing model name in request.")
        return self._metadata(address) if address.what == "metadata" else self._status(address)

    def _predict(self, address: _Address, body: bytes) -> bytes:
        with ExitStack() as held:
            handles: list[Handle] = []

            def find(name: str) -> Signature:
                handles.append(self._hold(address, held))
                known = handles[0].servable.signatures
                if name not in known:
                    raise invalid(f'Serving signature name: "{name}" not found in signature def')
                return known[name]

            request = decode(body, find)
            outputs = handles[0].servable.predict(request.signature, request.inputs)
            return encode(outputs, request.form)

    def _metadata(self, address: _Address) -> bytes:
        with ExitStack() as held:
            handle = self._hold(address, held)
            return metadata_body(self._name, handle.version, handle.servable.signatures)

    def _hold(self, address: _Address, held: ExitStack) -> Handle:
        if address.label is not None:
            raise invalid(f"Unrecognized servable version label: {address.label}")
        if address.name != self._name:
            asked = (
                f"Latest({address.name})"
                if address.version is None
                else f"Specific({address.name}, {address.version})"
            )
            raise RequestError(Code.NOT_FOUND, f"Servable not found for request: {asked}")
        return held.enter_context(self._versions.use(address.version))

    def _status(self, address: _Address) -> bytes:
        states = self._versions.states() if address.name == self._name else []
        if address.version is not None:
            states = [pair for pair in states if pair[0] == address.version]
            missing = f"Could not find version {address.version} of model {address.name}"
        else:
            missing = f"Could not find any versions of model {address.name}"
        if not states:
            raise RequestError(Code.NOT_FOUND, missing)
        return status_body(
            (version, state.name, state.code, state.message) for version, state in states
        )


def _parse(method: str, target: str) -> _Address:
    pattern = {"POST": _POST, "GET": _GET}.get(method)
    match = pattern.fullmatch(target) if pattern else None
    if match is None:
        raise invalid(f"Malformed request: {method} {target}")
    name, version, label, what = match.groups()
    if version is not None and (len(version) > 4000 or int(version) > _LARGEST):
        raise invalid(f"Failed to convert version: {version} to numeric.")
    # The pattern takes any case, but the word itself is compared as it is.
    if method == "POST" and what not in ("classify", "regress", "predict"):
        raise invalid(f"Malformed request: {method} {target}")
    return _Address(
        unquote(name or "", errors="surrogateescape"),
        None if version is None else int(version),
        None if label is None else unquote(label, errors="surrogateescape"),
        what or "",
    )
