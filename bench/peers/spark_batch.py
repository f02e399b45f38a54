"""The same written well: one batch over all files, each record parsed once, two partitioned appends.

spark_batch.py ICEBERG_JAR THREADS RAW OUTPUT
"""
import sys

from pyspark import StorageLevel
from pyspark.sql import functions as f

from spark_lake import append, create_tables, judged, open_session, print_counts, records_of

jar, threads, raw, output = sys.argv[1:5]
spark = open_session(jar, f"{output}/warehouse", threads)
create_tables(spark)
files = spark.read.text(raw, wholetext=True).select("value", f.input_file_name().alias("source_file"))
rows = judged(records_of(files)).persist(StorageLevel.MEMORY_AND_DISK)
append(rows)
print_counts(spark)
spark.stop()
