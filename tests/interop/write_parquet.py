"""Writes Parquet files with pyarrow: write_parquet.py SPECIFICATION, a JSON file.

[{"path": ..., "columns": [{"name", "type": an expression of pyarrow's, "values"}], "options": of write_table}]
A value is null, true, false, {"i": integer}, {"f": float}, {"d": decimal}, {"b": bytes in hexadecimal}, {"s": text}, a list, {"o": struct} or {"m": pairs}.
"""
import json
import sys
from decimal import Decimal, getcontext

import pyarrow as pa
import pyarrow.parquet as pq

getcontext().prec = 80
READ = {
    "i": int,
    "f": float,
    "d": Decimal,
    "b": bytes.fromhex,
    "s": str,
    "o": lambda members: {name: value(each) for name, each in members.items()},
    "m": lambda pairs: [(value(key), value(each)) for key, each in pairs],
}


def value(item):
    if isinstance(item, list):
        return [value(each) for each in item]
    if isinstance(item, dict):
        (kind, content), = item.items()
        return READ[kind](content)
    return item


files = json.load(open(sys.argv[1]))
for file in files:
    arrays = [
        pa.array([value(item) for item in column["values"]], eval(column["type"], {"pa": pa})) for column in file["columns"]
    ]
    table = pa.Table.from_arrays(arrays, names=[column["name"] for column in file["columns"]])
    pq.write_table(table, file["path"], **file["options"])
print(json.dumps({"files": len(files), "pyarrow": pa.__version__}))
