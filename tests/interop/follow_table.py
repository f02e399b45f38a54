"""Reads versions of tables through foreign engines while others are written.

Each line of standard input is the path of a metadata file; the answer is a line of JSON with the rows that each engine sees in it,
as JSON text made by DuckDB in both cases, ordered.
"""
import glob
import json
import os
import sys
import sysconfig

import duckdb
from pyiceberg.table import StaticTable

db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
packages = sysconfig.get_paths()["purelib"]
for name in ("httpfs", "avro", "iceberg"):
    [path] = glob.glob(os.path.join(packages, f"duckdb_extension_{name}/extensions/*/{name}.duckdb_extension"))
    db.execute(f"LOAD '{path}'")


def rows(source):
    return [row[0] for row in db.execute(f"SELECT to_json(t)::VARCHAR j FROM {source} t ORDER BY j").fetchall()]


for line in sys.stdin:
    metadata = line.strip()
    db.register("seen", StaticTable.from_metadata(metadata).scan().to_arrow())
    answer = {"pyiceberg": rows("seen"), "duckdb": rows(f"iceberg_scan('{metadata}')")}
    db.unregister("seen")
    print(json.dumps(answer), flush=True)
