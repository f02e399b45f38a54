"""Reads Iceberg tables through foreign engines and prints what they see as JSON.

Each line of standard input is {"engine": "pyiceberg" | "duckdb", "metadata": "/…/v7.metadata.json", "snapshot": null | "ID"}, and is
answered by a line: {"rows": [...], "snapshots": [...], ...}, or {"error": "..."}.

Rows come as JSON text made by DuckDB in both cases, ordered, so that the same values give the same text.
"""
import glob
import json
import os
import sys
import sysconfig
import traceback

import duckdb


def texts(db, view):
    return [row[0] for row in db.execute(f"SELECT to_json({view})::VARCHAR j FROM {view} ORDER BY j").fetchall()]


def by_pyiceberg(db, metadata, snapshot):
    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(metadata)
    db.register("t", table.scan(snapshot_id=snapshot).to_arrow())
    # Not `inspect.files()`: PyIceberg 0.12 cannot put uuid columns into it.
    tasks = list(table.scan(snapshot_id=snapshot).plan_files())
    partitions = table.inspect.partitions()
    told = [field for field in table.spec().fields if str(field.transform) != "void"]
    partition = ["partition"] if told else []
    db.register("p", partitions.select([*partition, "record_count", "file_count"]))
    return {
        "snapshots": [[str(s.snapshot_id), s.summary.operation.value] for s in table.snapshots()],
        "partitions": texts(db, "p"),
        "files": sorted([task.file.file_path, str(task.file.partition), len(task.delete_files)] for task in tasks),
    }


def by_duckdb(db, metadata, snapshot):
    packages = sysconfig.get_paths()["purelib"]
    for name in ("httpfs", "avro", "iceberg"):
        [path] = glob.glob(os.path.join(packages, f"duckdb_extension_{name}/extensions/*/{name}.duckdb_extension"))
        db.execute(f"LOAD '{path}'")
    options = f", snapshot_from_id={snapshot}" if snapshot else ""
    db.execute(f"CREATE VIEW t AS SELECT * FROM iceberg_scan('{metadata}'{options})")
    snapshots = db.execute(f"SELECT snapshot_id FROM iceberg_snapshots('{metadata}') ORDER BY sequence_number").fetchall()
    return {"snapshots": [str(row[0]) for row in snapshots]}


def answer(request):
    snapshot = request.get("snapshot")
    # A database of its own: nothing that another one has read may be remembered.
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        read = by_pyiceberg if request["engine"] == "pyiceberg" else by_duckdb
        seen = read(db, request["metadata"], snapshot and int(snapshot))
        return {**seen, "rows": texts(db, "t")}


for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception:
        result = {"error": traceback.format_exc()}
    print(json.dumps(result), flush=True)
