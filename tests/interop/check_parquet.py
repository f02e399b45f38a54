"""Reads Parquet files with Arrow, checks them fully, and prints their rows and what else is asked of them as JSON.

check_parquet.py FILES.json   FILES.json: [{"path": …, "ipc": …}, …]

`rows` come as JSON text made by DuckDB, ordered, as in read_table.py. `ipc` is an Arrow stream that another reader has made of the
same file: `same` says whether it holds just the rows that Arrow and DuckDB read.
"""
import json
import sys

import duckdb
import pyarrow
import pyarrow.parquet

db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")


def rows_of(relation):
    return [row[0] for row in db.execute(f"SELECT to_json(t)::VARCHAR j FROM {relation} t ORDER BY j").fetchall()]


result = []
for file in json.load(open(sys.argv[1])):
    parquet = pyarrow.parquet.ParquetFile(file["path"], page_checksum_verification=True)
    table = parquet.read()
    table.validate(full=True)
    db.register("by_arrow", table)
    rows = rows_of("by_arrow")
    with pyarrow.ipc.open_stream(file["ipc"]) as stream:
        other = stream.read_all()
    other.validate(full=True)
    db.register("by_other", other)
    # The other reader gives a uuid as its sixteen bytes.
    db.register("by_storage", pyarrow.parquet.ParquetFile(file["path"], arrow_extensions_enabled=False).read())
    duck = rows_of(f"read_parquet('{file['path']}')")
    groups = [parquet.metadata.row_group(i) for i in range(parquet.metadata.num_row_groups)]
    chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
    result.append({
        "rows": rows,
        "same": rows == duck and rows_of("by_storage") == rows_of("by_other"),
        "indexed": sum(chunk.has_offset_index for chunk in chunks),
    })
print(json.dumps(result))
