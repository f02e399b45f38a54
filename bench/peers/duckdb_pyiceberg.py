"""A Python script with DuckDB and PyIceberg: DuckDB parses and sorts out, PyIceberg appends and commits.

duckdb_pyiceberg.py THREADS RAW OUTPUT
"""
import json
import os
import re
import sys

import duckdb
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform
from pyiceberg.types import MapType, NestedField, StringType, TimestamptzType

# Arrow tables of so many bytes of JSON: memory must not grow with the input.
BATCH_BYTES = 256 << 20
FIELDS = ["user_id", "event_id", "event_type", "event_timestamp", "product_id", "properties"]
TIMESTAMP = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"

threads, raw, output = sys.argv[1:4]
db = duckdb.connect(config={"threads": int(threads), "preserve_insertion_order": False})
db.sql("SET TimeZone = 'UTC'")


def table(catalog: SqlCatalog, name: str, day: str, extra: list[tuple[str, object]]):
    columns = [(name, StringType()) for name in ["user_id", "event_id", "event_type", "product_id"]]
    columns += [("source_file", StringType())] + extra
    fields = [NestedField(i + 1, name, kind, required=False) for i, (name, kind) in enumerate(columns)]
    fields.append(NestedField(99, "properties", MapType(100, StringType(), 101, StringType(), value_required=False), required=False))
    source = next(field.field_id for field in fields if field.name == day)
    spec = PartitionSpec(PartitionField(source_id=source, field_id=1000, transform=DayTransform(), name=f"{day}_day"))
    return catalog.create_table(f"bronze.{name}", Schema(*fields), partition_spec=spec,
                                properties={"write.parquet.compression-codec": "zstd"})


def portions(files: list[str]):
    portion, size = [], 0
    for file in files:
        portion.append(file)
        size += os.path.getsize(file)
        if size >= BATCH_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def judge(files: list[str]) -> None:
    """Fills the table `judged`: a row a record, and a row a file that is no array."""
    # `read_text` would stop at a file that is not UTF-8.
    db.execute("""CREATE OR REPLACE TEMP TABLE files AS
      WITH texts AS (SELECT filename, TRY(decode(content)) AS text FROM read_blob($1))
      SELECT filename, CASE WHEN json_valid(text) THEN json_array_length(text) > 0 ELSE false END AS good FROM texts""", [files])
    good = [row[0] for row in db.execute("SELECT filename FROM files WHERE good").fetchall()]
    structure = json.dumps({name: "VARCHAR" for name in FIELDS[:5]} | {"properties": "MAP(VARCHAR, VARCHAR)"})
    judging = f"""CREATE OR REPLACE TEMP TABLE judged AS
      WITH parsed AS (
        SELECT filename, json::VARCHAR AS raw, json_type(json) = 'OBJECT' AS is_object,
          CASE WHEN json_type(json) = 'OBJECT' THEN json_keys(json) END AS keys,
          TRY(from_json(json, '{structure}')) AS event
        FROM read_json_objects($1, format = 'array', filename = true)
      )
      SELECT filename AS source_file, raw, event,
        CASE WHEN regexp_full_match(event.event_timestamp, '{TIMESTAMP}') THEN TRY_CAST(event.event_timestamp AS TIMESTAMPTZ) END AS event_time,
        CASE
          WHEN NOT is_object OR event IS NULL OR event_time IS NULL OR event.user_id IS NULL OR event.event_id IS NULL
            OR event.event_type IS NULL OR len(list_distinct(keys)) < len(keys) THEN 'invalid_schema'
          WHEN NOT list_has_all({FIELDS}, keys) THEN 'extra_fields'
        END AS reason
      FROM parsed"""
    while True:
        try:
            db.execute(judging, [good])
            break
        except duckdb.InvalidInputException as error:
            # `json_valid` takes more than `read_json_objects` does, which stops at one file and names it.
            named = re.search(r'in file "([^"]+)"', str(error))
            if named is None or named[1] not in good:
                raise
            good.remove(named[1])
    bad = sorted(set(files) - set(good))
    if bad:
        db.execute("""INSERT INTO judged SELECT filename, coalesce(TRY(decode(content)), to_base64(content)), NULL, NULL, 'corrupted_batch'
          FROM read_blob($1)""", [bad])


os.makedirs(f"{output}/warehouse")
catalog = SqlCatalog("lake", uri=f"sqlite:///{output}/catalog.db", warehouse=f"file://{output}/warehouse")
catalog.create_namespace("bronze")
events = table(catalog, "events", "event_timestamp", [("event_timestamp", TimestamptzType())])
letters = table(catalog, "letters", "ingested_at", [
    ("event_timestamp", StringType()), ("reason", StringType()), ("raw", StringType()), ("ingested_at", TimestamptzType()),
])
COMMON = "event.user_id, event.event_id, event.event_type, event.product_id, source_file"
counts = {"events": 0, "letters": 0}
for files in portions(sorted(f"{raw}/{name}" for name in os.listdir(raw))):
    judge(files)
    good = db.sql(f"SELECT {COMMON}, event_time AS event_timestamp, event.properties FROM judged WHERE reason IS NULL").to_arrow_table()
    bad = db.sql(f"SELECT {COMMON}, event.event_timestamp, reason, raw, now() AS ingested_at, event.properties "
                 "FROM judged WHERE reason IS NOT NULL").to_arrow_table()
    events.append(good)
    letters.append(bad)
for name, written in [("events", events), ("letters", letters)]:
    counts[name] = int(written.refresh().current_snapshot().summary["total-records"])
print(json.dumps(counts))
