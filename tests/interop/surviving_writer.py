"""PyIceberg or DuckDB at work on bronze.events of a REST catalog whose server is killed again and again: adds rows of its own and deletes some of
them again. Of a try that failed the table itself says whether it has happened.

surviving_writer.py ENGINE URI WORK_FILE   ENGINE: pyiceberg | duckdb; while that file is there;
prints {"written": [event ids], "deleted": [event ids], "failures": {error: tries that ended with it}}
"""
import collections
import datetime
import glob
import json
import os
import random
import re
import sys
import sysconfig
import time

import duckdb
import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, RESTError, ValidationException
from pyiceberg.expressions import EqualTo
from requests.exceptions import RequestException

engine, uri, work_file = sys.argv[1:]
PAUSE_SECONDS = 0.1
LOOKS_MAX = 1000
DELETES = 0.25


class PyIceberg:
    # A file may be gone because the snapshot that was being read has been expired.
    failures = (CommitFailedException, ValidationException, NoSuchTableError, RESTError, RequestException, FileNotFoundError)

    def table(self):
        return load_catalog("rest", type="rest", uri=uri).load_table("bronze.events")

    def add(self, event_id):
        noon = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)
        texts = {name: "foreign" for name in ("user_id", "event_type", "_source_file")}
        values = {**texts, "event_id": event_id, "event_timestamp": noon, "_ingested_at": noon, "_source_position": 0, "_batch_id": 0}
        table = self.table()
        table.append(pa.Table.from_pylist([values], schema=table.schema().as_arrow()))

    def delete(self, event_id):
        self.table().delete(EqualTo("event_id", event_id))

    def has(self, event_id):
        return self.table().scan(EqualTo("event_id", event_id), selected_fields=("event_id",)).to_arrow().num_rows > 0


class DuckDb:
    failures = (duckdb.Error,)

    def __init__(self):
        self.db = duckdb.connect()
        packages = sysconfig.get_paths()["purelib"]
        for name in ("httpfs", "avro", "iceberg"):
            [path] = glob.glob(os.path.join(packages, f"duckdb_extension_{name}/extensions/*/{name}.duckdb_extension"))
            self.db.execute(f"LOAD '{path}'")
        self.db.execute("SET TimeZone = 'UTC'")
        self.db.execute("SET http_timeout = 300")  # a commit that comes later than anybody waits for would be there after all
        self.is_attached = False

    def sql(self, text):
        if not self.is_attached:
            # Else it removes the files of a commit that it has no answer to, and the commit may have been made.
            options = "AUTHORIZATION_TYPE 'none', REMOVE_FILES_ON_DELETE false"
            self.db.execute(f"ATTACH '' AS lake (TYPE iceberg, ENDPOINT '{uri}', {options})")
            self.is_attached = True
        return self.db.execute(text)

    def add(self, event_id):
        self.sql(
            f"""INSERT INTO lake.bronze.events
            (user_id, event_id, event_type, event_timestamp, _ingested_at, _source_file, _source_position, _batch_id)
            VALUES ('foreign', '{event_id}', 'foreign', TIMESTAMPTZ '2026-03-01 12:00:00+00',
            TIMESTAMPTZ '2026-03-01 12:00:00+00', 'foreign', 0, 0)"""
        )

    def delete(self, event_id):
        self.sql(f"DELETE FROM lake.bronze.events WHERE event_id = '{event_id}'")

    def has(self, event_id):
        [count] = self.sql(f"SELECT count(*) FROM lake.bronze.events WHERE event_id = '{event_id}'").fetchone()
        return count > 0


writer = PyIceberg() if engine == "pyiceberg" else DuckDb()
failures = collections.Counter()


def tried(work):
    """Whether it went well."""
    try:
        work()
        return True
    except writer.failures as error:
        words = re.sub(r"\d{5,}|\w+://\S+", "…", str(error))
        failures[f"{type(error).__name__}: {words[:150]}"] += 1
        time.sleep(PAUSE_SECONDS)
        return False


def has(event_id):
    for _ in range(LOOKS_MAX):
        found = []
        if tried(lambda: found.append(writer.has(event_id))):
            return found[0]
    raise RuntimeError(f"nobody says whether {event_id} is there: {failures}")


chance = random.Random(7)
written, deleted, number = [], [], 0
while os.path.exists(work_file):
    if written and chance.random() < DELETES:
        event_id = chance.choice(written)
        if tried(lambda: writer.delete(event_id)) or not has(event_id):
            written.remove(event_id)
            deleted.append(event_id)
    else:
        number += 1
        event_id = f"{engine}-{number}"
        if tried(lambda: writer.add(event_id)) or has(event_id):
            written.append(event_id)
print(json.dumps({"written": written, "deleted": deleted, "failures": failures}))
