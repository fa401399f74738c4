"""One way of writing JSON down, so that equal content has equal digests."""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Answer the value as UTF-8 JSON with sorted keys and no spare space. Raises ValueError on NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(value: Any) -> str:
    """Answer the sha256 of the value's canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
