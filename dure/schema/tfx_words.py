"""The words of TFDV's schema beside Dure's, for reading and writing it."""

from __future__ import annotations

import math
import struct
from typing import Any

from dure.errors import MissingExtraError

TYPES = {"string": "BYTES", "bytes": "BYTES", "int": "INT", "float": "FLOAT", "struct": "STRUCT"}
TYPES_BACK = {"BYTES": "string", "INT": "int", "FLOAT": "float", "STRUCT": "struct"}
STAGES = {
    "PLANNED": "planned",
    "ALPHA": "alpha",
    "BETA": "beta",
    "PRODUCTION": "production",
    "DEPRECATED": "deprecated",
    "DEBUG_ONLY": "debug_only",
    "DISABLED": "disabled",
    "VALIDATION_DERIVED": "validation_derived",
}
METRICS = {
    "infinity_norm": "l_infinity",
    "jensen_shannon_divergence": "jensen_shannon",
    "normalized_abs_difference": "normalised_difference",
}
UNITS = {
    "UNIX_DAYS": "unix_days",
    "UNIX_SECONDS": "unix_s",
    "UNIX_MILLISECONDS": "unix_ms",
    "UNIX_MICROSECONDS": "unix_us",
    "UNIX_NANOSECONDS": "unix_ns",
}
OF_DAY = {"PACKED_64_NANOS": "packed_ns"}
# Meanings that are an empty message there: by the name of the field.
EMPTY = {
    "audio_domain": "audio",
    "video_domain": "video",
    "content_chunk_domain": "content_chunk",
    "mid_domain": "mid",
    "url_domain": "url",
}


def schema_pb2() -> Any:
    """Return the module of TFDV's messages.

    Raises
    ------
    MissingExtraError
        When tensorflow-metadata is not installed.
    """
    try:
        from tensorflow_metadata.proto.v0 import schema_pb2 as module
    except ImportError as error:
        raise MissingExtraError(
            "tensorflow-metadata", extra="tfx", purpose="reading and writing a TFX schema"
        ) from error
    return module


def enum_name(message: Any, field: str) -> str:
    """Return the name of an enum's value; the number, as text, where it has none."""
    number = getattr(message, field)
    kind = message.DESCRIPTOR.fields_by_name[field].enum_type
    value = kind.values_by_number.get(number)
    return str(number) if value is None else str(value.name)


def single(value: float) -> float:
    """Return the shortest decimal that is the same in 32 bits: 0.9, and not 0.899999976."""
    for digits in range(6, 10):
        short = float(f"{value:.{digits}g}")
        if math.isinf(short) or struct.pack("<f", short) == struct.pack("<f", value):
            return short
    return value


def text_of(message: Any) -> str | None:
    """Return what is left in a message as protocol buffer text; None if nothing is."""
    from google.protobuf import text_format

    text: str = text_format.MessageToString(message).strip()
    return text or None
