"""PyIceberg as the judge of single values and transforms.

judge_values.py CASES.json   CASES: [{"type": ..., "values": [text or null]}]; prints for each case a list of
[bytes in hex, back from bytes as text, {transform: result as text}] in the order of the values.
"""
import json
import sys
import uuid
from decimal import Decimal

from pyiceberg.conversions import from_bytes, to_bytes
from pyiceberg.transforms import parse_transform
from pyiceberg.types import IcebergType
from pydantic import TypeAdapter

TRANSFORMS = {
    "bucket[16]": None,
    "bucket[1000]": None,
    "truncate[10]": {"int", "long", "decimal", "string", "binary"},
    "truncate[3]": {"int", "long", "decimal", "string", "binary"},
    "year": {"date", "timestamp", "timestamptz"},
    "month": {"date", "timestamp", "timestamptz"},
    "day": {"date", "timestamp", "timestamptz"},
    "hour": {"timestamp", "timestamptz"},
}


def value_of(kind, text, type_):
    if kind in ("int", "long", "date", "time", "timestamp", "timestamptz"):
        return int(text)
    if kind in ("float", "double"):
        return float(text)
    if kind == "boolean":
        return text == "true"
    if kind == "decimal":
        return Decimal(int(text)).scaleb(-type_.scale)
    if kind == "uuid":
        return uuid.UUID(text)
    if kind in ("binary", "fixed"):
        return bytes.fromhex(text)
    return text


def text_of(kind, value, type_):
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return str(int(value.scaleb(type_.scale)))
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


results = []
for case in json.load(open(sys.argv[1], encoding="utf-8", errors="surrogatepass")):
    type_ = TypeAdapter(IcebergType).validate_python(case["type"])
    kind = case["type"].split("(")[0].split("[")[0]
    transforms = {}
    for name, kinds in TRANSFORMS.items():
        if kind in ("boolean", "float", "double") or (kinds and kind not in kinds):
            continue
        transforms[name] = parse_transform(name).transform(type_)
    rows = []
    for text in case["values"]:
        value = value_of(kind, text, type_)
        raw = to_bytes(type_, value)
        back = from_bytes(type_, raw)
        rows.append([raw.hex(), text_of(kind, back, type_), {n: text_of(kind, f(value), type_) for n, f in transforms.items()}])
    results.append(rows)
print(json.dumps(results))
