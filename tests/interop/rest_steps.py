"""PyIceberg at work in a REST catalog.

Each line of standard input is {"uri": "http://...", "step": "create" | "change" | "read"}, on the table lab.shared, or with
"table": "..." on another, with "properties": {...} of the catalog; the answer is {"rows": [...]}, as read_table.py has them, or
{"error": "..."}.
"""
import datetime
import json
import sys
import traceback

import duckdb
import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, DayTransform, TruncateTransform
from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType


def rows(start, end):
    at = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
    return pa.table(
        {
            "id": pa.array(range(start, end), pa.int64()),
            "at": pa.array([at + datetime.timedelta(hours=i) for i in range(start, end)], pa.timestamp("us", "UTC")),
            "name": pa.array([f"p{i}" for i in range(start, end)]),
        }
    )


def create(catalog, name):
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


def change(catalog, name):
    table = catalog.load_table(name)
    table.delete("id >= 5 and id < 12")
    table.overwrite(rows(2, 4), "id >= 2 and id < 4")
    with table.update_schema() as update:
        update.add_column("extra", LongType())
        update.rename_column("name", "title")
    table.append(rows(500, 503).rename_columns(["id", "at", "title"]).append_column("extra", pa.array([1, 2, 3], pa.int64())))


def answer(request):
    catalog = load_catalog("rest", type="rest", uri=request["uri"], **request.get("properties", {}))
    name = request.get("table", "lab.shared")
    if request["step"] == "create":
        create(catalog, name)
    elif request["step"] == "change":
        change(catalog, name)
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.register("t", catalog.load_table(name).scan().to_arrow())
        return [row[0] for row in db.execute("SELECT to_json(t)::VARCHAR j FROM t ORDER BY j").fetchall()]


for line in sys.stdin:
    try:
        result = {"rows": answer(json.loads(line))}
    except Exception:
        result = {"error": traceback.format_exc()}
    print(json.dumps(result), flush=True)
