"""A value of each common type, as Python's drivers take and give them."""

import datetime
import decimal
import uuid

DOCUMENT = {"a": [1, None, "ü"]}

VALUES = [
    ("int2", -32768),
    ("int4", 2147483647),
    ("int8", -9223372036854775808),
    ("numeric", decimal.Decimal("12345678901234567890.0987654321")),
    ("float4", 1.5),
    ("float8", 0.1),
    ("text", "ünï 'quoted' \\ 語"),
    ("bytea", bytes(range(256))),
    ("bool", True),
    ("date", datetime.date(1999, 12, 31)),
    ("timestamp", datetime.datetime(2024, 2, 29, 23, 59, 59, 123456)),
    ("timestamptz", datetime.datetime(2024, 2, 29, 23, 59, 59, 123456, datetime.timezone.utc)),
    ("interval", datetime.timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
    ("uuid", uuid.UUID("0b3f1c1e-5d2a-4c8e-9f10-a1b2c3d4e5f6")),
    ("json", DOCUMENT),
    ("jsonb", DOCUMENT),
    ("int4[]", [1, None, -3]),
    ("text[]", ["a", "b,c", 'd"e', None]),
]


def same(given, found):
    """Whether a value came back as it went, also the type of it."""
    assert found == given and isinstance(found, type(given)), f"{found!r} for {given!r}"
