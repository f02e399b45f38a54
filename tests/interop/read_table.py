"""Reads an Iceberg table through foreign engines and prints what they see as JSON.

read_table.py ENGINE METADATA.json [SNAPSHOT_ID]   ENGINE: pyiceberg | duckdb

Rows come as JSON text made by DuckDB in both cases, ordered, so that the same values give the same text.
"""
import glob
import json
import os
import sys
import sysconfig

import duckdb

engine, metadata = sys.argv[1], sys.argv[2]
snapshot = int(sys.argv[3]) if len(sys.argv) > 3 else None
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
result = {}
if engine == "pyiceberg":
    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(metadata)
    rows = table.scan(snapshot_id=snapshot).to_arrow()
    db.register("t", rows)
    result["snapshots"] = [[str(s.snapshot_id), s.summary.operation.value] for s in table.snapshots()]
    # Not `inspect.files()`: PyIceberg 0.12 cannot put uuid columns into it.
    tasks = list(table.scan(snapshot_id=snapshot).plan_files())
    partitions = table.inspect.partitions()
    told = [field for field in table.spec().fields if str(field.transform) != "void"]
    partition = ["partition"] if told else []
    db.register("p", partitions.select([*partition, "record_count", "file_count"]))
    result["partitions"] = [row[0] for row in db.execute("SELECT to_json(p)::VARCHAR j FROM p ORDER BY j").fetchall()]
    result["files"] = sorted([task.file.file_path, str(task.file.partition), len(task.delete_files)] for task in tasks)
else:
    packages = sysconfig.get_paths()["purelib"]
    for name in ("httpfs", "avro", "iceberg"):
        [path] = glob.glob(os.path.join(packages, f"duckdb_extension_{name}/extensions/*/{name}.duckdb_extension"))
        db.execute(f"LOAD '{path}'")
    options = f", snapshot_from_id={snapshot}" if snapshot else ""
    db.execute(f"CREATE VIEW t AS SELECT * FROM iceberg_scan('{metadata}'{options})")
    snapshots = db.execute(f"SELECT snapshot_id FROM iceberg_snapshots('{metadata}') ORDER BY sequence_number").fetchall()
    result["snapshots"] = [str(row[0]) for row in snapshots]
result["rows"] = [row[0] for row in db.execute("SELECT to_json(t)::VARCHAR j FROM t ORDER BY j").fetchall()]
print(json.dumps(result))
