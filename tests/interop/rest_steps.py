"""PyIceberg at work in a REST catalog.

rest_steps.py URI create|change|read [TABLE [KEY=VALUE…]]   on the table lab.shared, or to read on another, with properties of the
catalog; prints its rows as read_table.py does.
"""
import datetime
import json
import sys

import duckdb
import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, DayTransform, TruncateTransform
from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType

uri, step = sys.argv[1], sys.argv[2]
catalog = load_catalog("rest", type="rest", uri=uri, **dict(text.split("=", 1) for text in sys.argv[4:]))
name = sys.argv[3] if len(sys.argv) > 3 else "lab.shared"


def rows(start, end):
    at = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
    return pa.table(
        {
            "id": pa.array(range(start, end), pa.int64()),
            "at": pa.array([at + datetime.timedelta(hours=i) for i in range(start, end)], pa.timestamp("us", "UTC")),
            "name": pa.array([f"p{i}" for i in range(start, end)]),
        }
    )


if step == "create":
    try:
        catalog.create_namespace("lab")
    except NamespaceAlreadyExistsError:
        pass
    schema = Schema(
        NestedField(1, "id", LongType(), required=False),
        NestedField(2, "at", TimestamptzType(), required=False),
        NestedField(3, "name", StringType(), required=False),
    )
    spec = PartitionSpec(
        PartitionField(2, 1000, DayTransform(), "at_day"),
        PartitionField(1, 1001, BucketTransform(4), "id_bucket"),
        PartitionField(3, 1002, TruncateTransform(2), "name_trunc"),
    )
    catalog.create_table(name, schema, partition_spec=spec).append(rows(0, 40))
table = catalog.load_table(name)
if step == "change":
    table.delete("id >= 5 and id < 12")
    table.overwrite(rows(2, 4), "id >= 2 and id < 4")
    with table.update_schema() as update:
        update.add_column("extra", LongType())
        update.rename_column("name", "title")
    table.append(rows(500, 503).rename_columns(["id", "at", "title"]).append_column("extra", pa.array([1, 2, 3], pa.int64())))
    table = catalog.load_table(name)
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
db.register("t", table.scan().to_arrow())
print(json.dumps([row[0] for row in db.execute("SELECT to_json(t)::VARCHAR j FROM t ORDER BY j").fetchall()]))
