"""PyIceberg writes tables of every type, one for each transform, into a REST catalog.

pyiceberg_types.py URI; prints the names of the tables with their rows, in the form of read_table.py.
"""
import datetime as dt
import json
import sys
import uuid
from decimal import Decimal

import duckdb
import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import parse_transform
from pyiceberg.types import (
    BinaryType, BooleanType, DateType, DecimalType, DoubleType, FixedType, FloatType, IntegerType, ListType, LongType,
    MapType, NestedField, StringType, StructType, TimestampType, TimestamptzType, TimeType, UUIDType,
)

catalog = load_catalog("rest", type="rest", uri=sys.argv[1])
catalog.create_namespace("types")
columns = [
    ("id", IntegerType()), ("l", LongType()), ("b", BooleanType()), ("f", FloatType()), ("d", DoubleType()), ("day", DateType()),
    ("t", TimeType()), ("ts", TimestampType()), ("tz", TimestamptzType()), ("s", StringType()), ("u", UUIDType()), ("bin", BinaryType()),
    ("fix", FixedType(4)), ("d9", DecimalType(9, 2)), ("d38", DecimalType(38, 10)),
    ("nested", StructType(NestedField(20, "x", LongType(), required=False), NestedField(21, "y", StringType(), required=False))),
    ("tags", ListType(22, StringType(), element_required=False)),
    ("props", MapType(23, StringType(), 24, LongType(), value_required=False)),
]
schema = Schema(*[NestedField(i + 1, name, type_, required=False) for i, (name, type_) in enumerate(columns)])
ids = {name: i + 1 for i, (name, _) in enumerate(columns)}
utc = dt.timezone.utc


def row(i):
    return {
        "id": i, "l": i * 4611686018427387, "b": i % 2 == 0, "f": i / 4, "d": i / 8, "day": dt.date(1969, 12, 30) + dt.timedelta(days=i),
        "t": dt.time(1, i, 2, 500), "ts": dt.datetime(1969, 12, 31, 22, 30) + dt.timedelta(hours=7 * i),
        "tz": dt.datetime(2026, 2, 27, 23, 59, 59, 999999, utc) + dt.timedelta(hours=5 * i),
        "s": None if i % 4 == 0 else f"é😀 long enough to be cut {i}", "u": uuid.UUID(int=i * 2**100 + i).bytes, "bin": f"bytes {i}".encode(),
        "fix": bytes([i, 0, 255, i]), "d9": Decimal(i) * Decimal("1.25"), "d38": Decimal(i) * Decimal("-100000000000.5"),
        "nested": None if i == 3 else {"x": i, "y": f"y{i}"}, "tags": [f"a{i}", None], "props": [(f"k{i}", i), ("n", None)],
    }


transforms = {
    "plain": [], "identity": [("identity", "s")], "identities": [("identity", "b"), ("identity", "day"), ("identity", "d9")],
    "bucket": [("bucket[3]", "id"), ("bucket[3]", "s"), ("bucket[3]", "tz")], "truncate": [("truncate[7]", "l"), ("truncate[7]", "s")],
    "year": [("year", "ts")], "month": [("month", "day")], "day": [("day", "tz")], "hour": [("hour", "ts")],
}
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
result = {}
for name, fields in transforms.items():
    parts = [PartitionField(ids[column], 1000 + i, parse_transform(text), f"p{i}") for i, (text, column) in enumerate(fields)]
    table = catalog.create_table(f"types.{name}", schema, partition_spec=PartitionSpec(*parts))
    # The catalog has given the ids anew.
    table.append(pa.Table.from_pylist([row(i) for i in range(20)], schema=table.schema().as_arrow()))
    db.register("t", table.scan().to_arrow())
    result[name] = [json for (json,) in db.execute("SELECT to_json(t)::VARCHAR j FROM t ORDER BY j").fetchall()]
print(json.dumps(result))
