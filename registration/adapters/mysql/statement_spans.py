"""What a trace says of a statement: its text as it stands in the source, placeholders and all, and never a value."""

import functools
import re
from collections.abc import Mapping

from registration.observability import tracing

_TABLES = re.compile(r"(?:\b(?:FROM|INTO|JOIN)|^UPDATE) (\w+)")


def statement_span(sql: str) -> tracing.Span:
    """A span of the statement."""
    name, attributes = _described(sql)
    return tracing.span(name, "client", attributes)


@functools.cache  # there are as many as are written in this package
def _described(sql: str) -> tuple[str, Mapping[str, str]]:
    """By OpenTelemetry's conventions: the name is the operation and its tables; `mysql`, what the driver speaks."""
    text = " ".join(sql.split())
    operation = text.partition(" ")[0]
    name = " ".join([operation, *dict.fromkeys(_TABLES.findall(text))])
    return name, {"db.system.name": "mysql", "db.operation.name": operation, "db.query.text": text}
