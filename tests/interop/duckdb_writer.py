"""DuckDB's extension iceberg at work in a REST catalog: makes lab.shared, and adds rows of its own to bronze.events.

duckdb_writer.py URI   prints {"own": [names in lab.shared], "written": [event ids], "read": rows of bronze.events}
"""
import glob
import json
import os
import sys
import sysconfig

import duckdb

CONFLICTS_MAX = 50

db = duckdb.connect()
packages = sysconfig.get_paths()["purelib"]
for name in ("httpfs", "avro", "iceberg"):
    [path] = glob.glob(os.path.join(packages, f"duckdb_extension_{name}/extensions/*/{name}.duckdb_extension"))
    db.execute(f"LOAD '{path}'")
db.execute("SET TimeZone = 'UTC'")
db.execute(f"ATTACH '' AS lake (TYPE iceberg, ENDPOINT '{sys.argv[1]}', AUTHORIZATION_TYPE 'none')")


def patiently(sql):
    """Where somebody else was first, nothing has happened."""
    for _ in range(CONFLICTS_MAX):
        try:
            return db.execute(sql)
        except duckdb.TransactionException:
            pass
    raise RuntimeError(f"lost {CONFLICTS_MAX} races: {sql}")


db.execute("CREATE SCHEMA IF NOT EXISTS lake.lab")
db.execute("CREATE TABLE lake.lab.shared (id BIGINT, name VARCHAR)")
db.execute("INSERT INTO lake.lab.shared SELECT i, 'n' || i FROM range(10) r(i)")
db.execute("INSERT INTO lake.lab.shared VALUES (10, 'last')")
own = [row[0] for row in db.execute("SELECT name FROM lake.lab.shared ORDER BY id").fetchall()]
written = [f"duckdb-{i}" for i in range(5)]
for event_id in written:
    patiently(
        f"""INSERT INTO lake.bronze.events
        (user_id, event_id, event_type, event_timestamp, _ingested_at, _source_file, _source_position, _batch_id)
        VALUES ('foreign', '{event_id}', 'foreign', TIMESTAMPTZ '2026-03-01 12:00:00+00',
        TIMESTAMPTZ '2026-03-01 12:00:00+00', 'foreign', 0, 0)"""
    )
[read] = db.execute("SELECT count(*) FROM lake.bronze.events").fetchone()
print(json.dumps({"own": own, "written": written, "read": read}))
