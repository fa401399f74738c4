"""JSON as it may be sent: no more than fits, no deeper than anybody means, and nothing that no database keeps."""

import json
import math
import re
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from portal.common.problems import Invalid, TooLarge

DEEPEST = 50
# Halves of letters: no database stores them, and they cannot even be answered. NUL is each field's to refuse.
UNSTORABLE = re.compile("[\ud800-\udfff]")


class BoundedJSONParser(BaseParser):
    """JSON in UTF-8, whatever else the request says of itself."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:
        """Answer the value. Raises Invalid, ParseError, TooLarge."""
        # Read here, not by Django, which answers a page to what is too large.
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(most + 1)
        if len(raw) > most:
            raise TooLarge(f"This body is too large: of its bytes, at most {most} are taken.", code="body_too_large")
        try:
            value = json.loads(raw.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as odd:
            raise ParseError("This is no JSON in UTF-8, or nested too deep.") from odd
        refuse_unstorable(value)
        return value


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON.")


def refuse_unstorable(value: Any) -> None:
    """Refuse what parses and can still not be kept. Raises Invalid."""
    level = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for each in level:
            if isinstance(each, str) and UNSTORABLE.search(each):
                raise Invalid("A text has half a letter (a lone surrogate) in it.")
            if isinstance(each, float) and not math.isfinite(each):
                raise Invalid("A number is infinite, or none.")
            if isinstance(each, dict):
                inner += [*each.keys(), *each.values()]
            elif isinstance(each, list):
                inner += each
        if not inner:
            return
        level = inner
    raise Invalid(f"This JSON is nested deeper than {DEEPEST} levels.")
