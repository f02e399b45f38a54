"""PyIceberg as the auditor of a lake, against the truth file of the producer that made its raw files.

audit_lake.py LAKE TRUTH   prints {"files", "events", "dead_letters", "problems": [text, ...]}
"""
import glob
import json
import os
import re
import sys
from collections import Counter

from pyiceberg.table import StaticTable


def rows(lake, table, *columns):
    folder = os.path.join(lake, "warehouse", *table.split("."), "metadata")
    versions = glob.glob(os.path.join(folder, "v*.metadata.json"))
    last = max(versions, key=lambda path: int(re.search(r"/v(\d+)\.metadata\.json$", path).group(1)))
    data = StaticTable.from_metadata(last).scan(selected_fields=columns).to_arrow()
    return list(zip(*(data.column(name).to_pylist() for name in columns)))


def main(lake, truth_file):
    wanted, files = Counter(), set()
    with open(truth_file, encoding="utf-8") as lines:
        for line in lines:
            truth = json.loads(line)
            files.add(truth["file"])
            if truth["corrupted"] is not None:
                wanted[truth["file"], None, "corrupted_batch"] += 1
            for record in truth["records"]:
                wanted[truth["file"], record["position"], record["disposition"]] += 1
    found = Counter()
    events = rows(lake, "bronze.events", "_source_file", "_source_position")
    for file, position in events:
        found[file, position, "event"] += 1
    letters = rows(lake, "dead_letters.events", "_source_file", "_source_position", "_dead_letter_reason")
    for file, position, reason in letters:
        found[file, position, reason] += 1
    problems = [f"{key} is there {found[key]} times, not {wanted[key]}" for key in wanted | found if wanted[key] != found[key]]
    ledger = Counter(file for file, status in rows(lake, "ingest.files", "source_file", "status") if status == "ingested")
    problems += [f"{file} is in the ledger {ledger[file]} times" for file in files | set(ledger) if ledger[file] != 1]
    on_disk = {os.path.relpath(path, lake) for path in glob.glob(os.path.join(lake, "raw/events/*")) if not os.path.basename(path).startswith(".")}
    problems += [f"{file} is not both on disk and in the truth file" for file in files ^ on_disk]
    print(json.dumps({"files": len(files), "events": len(events), "dead_letters": len(letters), "problems": problems[:50]}))


main(*sys.argv[1:])
