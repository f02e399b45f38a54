"""The original's way: Structured Streaming, a micro-batch at a time, each file's text parsed as a JSON array.

spark_stream.py ICEBERG_JAR THREADS RAW OUTPUT
"""
import sys

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_lake import append, create_tables, judged, open_session, print_counts, records_of

FILES_PER_TRIGGER = 100

jar, threads, raw, output = sys.argv[1:5]
spark = open_session(jar, f"{output}/warehouse", threads)
create_tables(spark)
files = (
    spark.readStream.format("text").option("wholetext", True).option("maxFilesPerTrigger", FILES_PER_TRIGGER)
    .load(raw).select("value", f.input_file_name().alias("source_file"))
)


def ingest(batch: DataFrame, _batch_id: int) -> None:
    rows = judged(records_of(batch)).persist()
    append(rows)
    rows.unpersist()


files.writeStream.foreachBatch(ingest).option("checkpointLocation", f"{output}/checkpoint").trigger(
    availableNow=True
).start().awaitTermination()
print_counts(spark)
spark.stop()
