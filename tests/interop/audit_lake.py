"""PyIceberg as the auditor of a lake, against the truth file of the producer that made its raw files.

audit_lake.py SPEC.json   SPEC: {"truth": path, "raw": [names in the raw zone], "metadata": {table: URI}, "properties": {...},
"foreign": {"written": [event ids], "deleted": [event ids]}};
prints {"files", "events", "dead_letters", "problems": [text, ...]}
"""
import json
import sys
from collections import Counter

from pyiceberg.table import StaticTable


def rows(spec, table, *columns):
    static = StaticTable.from_metadata(spec["metadata"][table], properties=spec["properties"])
    data = static.scan(selected_fields=columns).to_arrow()
    return list(zip(*(data.column(name).to_pylist() for name in columns)))


def main(spec):
    wanted, files = Counter(), set()
    with open(spec["truth"], encoding="utf-8") as lines:
        for line in lines:
            truth = json.loads(line)
            files.add(truth["file"])
            if truth["corrupted"] is not None:
                wanted[truth["file"], None, "corrupted_batch"] += 1
            for record in truth["records"]:
                wanted[truth["file"], record["position"], record["disposition"]] += 1
    found = Counter()
    events = rows(spec, "bronze.events", "_source_file", "_source_position", "event_id")
    foreign = Counter()
    for file, position, event_id in events:
        if file == "foreign":
            foreign[event_id] += 1
        else:
            found[file, position, "event"] += 1
    letters = rows(spec, "dead_letters.events", "_source_file", "_source_position", "_dead_letter_reason")
    for file, position, reason in letters:
        found[file, position, reason] += 1
    problems = [f"{key} is there {found[key]} times, not {wanted[key]}" for key in wanted | found if wanted[key] != found[key]]
    problems += [f"{event_id} is there {foreign[event_id]} times" for event_id in spec["foreign"]["written"] if foreign[event_id] != 1]
    problems += [f"{event_id} was deleted and is there" for event_id in spec["foreign"]["deleted"] if foreign[event_id]]
    ledger = Counter(file for file, status in rows(spec, "ingest.files", "source_file", "status") if status == "ingested")
    problems += [f"{file} is in the ledger {ledger[file]} times" for file in files | set(ledger) if ledger[file] != 1]
    problems += [f"{file} is not both in the raw zone and in the truth file" for file in files ^ set(spec["raw"])]
    print(json.dumps({"files": len(files), "events": len(events), "dead_letters": len(letters), "problems": problems[:50]}))


with open(sys.argv[1], encoding="utf-8") as text:
    main(json.load(text))
