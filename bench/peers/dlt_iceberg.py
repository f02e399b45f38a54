"""dlt with its filesystem destination and Iceberg tables: Python reads and sorts out, dlt normalises and loads.

dlt_iceberg.py THREADS RAW OUTPUT
"""
import json
import os
import re
import sys

threads, raw, output = sys.argv[1:4]
os.environ.update({
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "NORMALIZE__WORKERS": threads,
    "EXTRACT__WORKERS": threads,
    "DATA_WRITER__BUFFER_MAX_ITEMS": "50000",
    "DATA_WRITER__FILE_MAX_ITEMS": "200000",
})

import dlt  # noqa: E402
from dlt.destinations import filesystem  # noqa: E402
from dlt.destinations.adapters import iceberg_adapter, iceberg_partition  # noqa: E402

FIELDS = {"user_id", "event_id", "event_type", "event_timestamp", "product_id", "properties"}
REQUIRED = ["user_id", "event_id", "event_type", "event_timestamp"]
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def why_no_event(record: object) -> str | None:
    if not isinstance(record, dict) or any(not isinstance(record.get(name), str) for name in REQUIRED):
        return "invalid_schema"
    if not TIMESTAMP.fullmatch(record["event_timestamp"]):
        return "invalid_schema"
    properties = record.get("properties") or {}
    if not isinstance(properties, dict) or not isinstance(record.get("product_id") or "", str):
        return "invalid_schema"
    if any(isinstance(value, (dict, list)) for value in properties.values()):
        return "invalid_schema"
    return None if record.keys() <= FIELDS else "extra_fields"


def no_json(constant: str):
    raise ValueError(constant)


def rows():
    for name in sorted(os.listdir(raw)):
        with open(f"{raw}/{name}", "rb") as file:
            text = file.read()
        try:
            records = json.loads(text, parse_constant=no_json)
            if not isinstance(records, list) or not records:
                raise ValueError
        except ValueError:
            yield dlt.mark.with_table_name(
                {"reason": "corrupted_batch", "raw": text.decode("utf-8", "replace"), "source_file": name}, "letters")
            continue
        events, letters = [], []
        for record in records:
            reason = why_no_event(record)
            if reason is None:
                record["source_file"] = name
                events.append(record)
            else:
                letters.append({"reason": reason, "raw": json.dumps(record), "source_file": name})
        if events:
            yield dlt.mark.with_table_name(events, "events")
        if letters:
            yield dlt.mark.with_table_name(letters, "letters")


resource = iceberg_adapter(
    dlt.resource(rows, name="events", write_disposition="append", table_format="iceberg",
                 columns={"event_timestamp": {"data_type": "timestamp"}, "properties": {"data_type": "json"}}),
    partition=iceberg_partition.day("event_timestamp"),
)


pipeline = dlt.pipeline("bench", destination=filesystem(bucket_url=f"file://{output}/lake"), dataset_name="bronze",
                        pipelines_dir=f"{output}/pipelines")
pipeline.run(resource, loader_file_format="parquet").raise_on_failed_jobs()
counts = pipeline.last_trace.last_normalize_info.row_counts
print(json.dumps({name: counts.get(name, 0) for name in ["events", "letters"]}))
