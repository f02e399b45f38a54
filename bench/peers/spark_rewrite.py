"""Spark's own compaction of bronze.events, every file of it; prints the seconds of the CALL alone.

spark_rewrite.py ICEBERG_JAR THREADS WAREHOUSE TARGET_BYTES
"""
import json
import sys
import time

from spark_lake import open_session

jar, threads, warehouse, target_bytes = sys.argv[1:5]
spark = open_session(jar, warehouse, threads)
started = time.monotonic()
[done] = spark.sql(
    "CALL lake.system.rewrite_data_files(table => 'bronze.events', "
    f"options => map('rewrite-all', 'true', 'target-file-size-bytes', '{target_bytes}'))"
).collect()
seconds = time.monotonic() - started
print(json.dumps({"seconds": seconds, "rewritten": done.rewritten_data_files_count}), flush=True)
spark.stop()
