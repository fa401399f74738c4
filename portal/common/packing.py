"""Large values that wait in a row until somebody reads them once."""

import json
import zlib
from typing import Any


def packed(value: Any) -> bytes:
    """Answer a value as compressed JSON: speed counts more than size, for it is read once."""
    return squeezed(json.dumps(value, separators=(",", ":")).encode())


def squeezed(text: bytes) -> bytes:
    """Answer JSON text, compressed."""
    return zlib.compress(text, level=1)


def unpacked(raw: bytes | memoryview) -> Any:
    """Answer the value of compressed JSON."""
    return json.loads(zlib.decompress(raw))
