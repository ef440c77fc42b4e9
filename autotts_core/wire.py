"""Messages between a process and its children: JSON and plain arrays.

Never pickles, because unpickling what an untrusted process sends would run its code here.
"""

import json
import struct
from collections.abc import Sequence
from io import BufferedReader
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

_LENGTH = struct.Struct(">Q")
_MOST_JSON = 4 * 2**20
_MOST_DIMENSIONS = 3
_DTYPES = ("|b1", "<i2", "<i4", "<i8", "<f4", "<f8")

Array = npt.NDArray[Any]


class WireError(Exception):
    """The other side closed the connection, or (`GarbledError`) is not to be understood."""


class GarbledError(WireError):
    """The other side sent what no message looks like."""


def send(stream: BinaryIO, message: dict[str, Any], arrays: Sequence[Array] = ()) -> None:
    """Send `message` (JSON) with `arrays`; raises `WireError` where nobody listens."""
    contiguous = [np.ascontiguousarray(array) for array in arrays]
    layout = [(array.dtype.str, array.shape) for array in contiguous]
    header = json.dumps({"message": message, "arrays": layout}).encode()
    try:
        stream.write(_LENGTH.pack(len(header)) + header)
        for array in contiguous:
            stream.write(array.data.cast("B") if array.size else b"")
        stream.flush()
    except (BrokenPipeError, ValueError) as error:
        raise WireError(str(error)) from error


def receive(stream: BinaryIO, most_bytes: int) -> tuple[dict[str, Any], list[Array]]:
    """The next message, with arrays of at most `most_bytes` altogether; raises `WireError`."""
    readable = cast(BufferedReader, stream)
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > _MOST_JSON:
        raise GarbledError(f"a message of {length:,} bytes")
    try:
        header = json.loads(_exactly(stream, length))
        message, layout = header["message"], header["arrays"]
        if not isinstance(message, dict):
            raise TypeError("a message that is no mapping")
        arrays = []
        for dtype, shape in layout:
            if (
                dtype not in _DTYPES
                or len(shape) > _MOST_DIMENSIONS
                or any(type(n) is not int or not 0 <= n < 2**48 for n in shape)
            ):
                raise TypeError(f"an array of {dtype!r:.20} and shape {shape!r:.100}")
            size = np.dtype(dtype).itemsize
            for n in shape:
                size *= n
            most_bytes -= size
            if most_bytes < 0:
                raise ValueError("more bytes than were asked for")
            array = np.empty(shape, dtype)
            if size and readable.readinto(array.data.cast("B")) < size:
                raise WireError("the connection was closed")
            arrays.append(array)
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise GarbledError(f"not a message: {error}") from error
    return message, arrays


def _exactly(stream: BinaryIO, count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        raise WireError("the connection was closed")
    return content
