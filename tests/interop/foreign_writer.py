"""PyIceberg at work on bronze.events of a REST catalog, beside whoever else is: adds rows of its own, and deletes some of them again, which rewrites
files that by then may hold other rows, too.

foreign_writer.py URI STOP_FILE   until that file is there; prints {"written": [event ids], "deleted": [event ids], "lost": tries that lost a race}
"""
import datetime
import json
import os
import random
import sys

import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, ValidationException

uri, stop_file = sys.argv[1], sys.argv[2]
catalog = load_catalog("rest", type="rest", uri=uri)
chance = random.Random(7)
written, deleted, lost, number = [], [], 0, 0


def row(table, event_id):
    values = {
        "user_id": "foreign",
        "event_id": event_id,
        "event_type": "foreign",
        "event_timestamp": datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc),
        "_ingested_at": datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc),
        "_source_file": "foreign",
        "_source_position": 0,
        "_batch_id": 0,
    }
    return pa.Table.from_pylist([values], schema=table.schema().as_arrow())


while not os.path.exists(stop_file):
    try:
        table = catalog.load_table("bronze.events")
        if written and chance.random() < 0.3:
            event_id = chance.choice(written)
            table.delete(f"event_id == '{event_id}'")
            written.remove(event_id)
            deleted.append(event_id)
        else:
            number += 1
            event_id = f"foreign-{number}"
            table.append(row(table, event_id))
            written.append(event_id)
    except (CommitFailedException, ValidationException, NoSuchTableError, FileNotFoundError):
        # Somebody else was first, or the snapshot that it was reading has been expired: nothing has happened.
        lost += 1
print(json.dumps({"written": written, "deleted": deleted, "lost": lost}))
