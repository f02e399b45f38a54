"""What both Spark peers share: the session, the tables, and how an array's text becomes rows."""
import glob
import json
import os

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

FIELDS = ["user_id", "event_id", "event_type", "event_timestamp", "product_id", "properties"]
EVENT = t.StructType(
    [t.StructField(name, t.StringType()) for name in FIELDS[:5]]
    + [t.StructField("properties", t.MapType(t.StringType(), t.StringType()))]
)
# RFC 3339 with an offset, as the contract demands; a bare cast takes dates and local times too.
TIMESTAMP = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$"


def open_session(jar: str, warehouse: str, threads: str) -> SparkSession:
    """`lake` is a Hadoop catalog in the folder, as are the tables of a lake of ours."""
    spark = (
        SparkSession.builder.master(f"local[{threads}]")
        .config("spark.jars", jar)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "4g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", threads)
        # Thousands of small files: packed into few tasks.
        .config("spark.sql.files.maxPartitionBytes", "64m")
        .config("spark.sql.files.openCostInBytes", "65536")
        .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog")
        .config("spark.sql.catalog.lake.type", "hadoop")
        .config("spark.sql.catalog.lake.warehouse", f"file://{warehouse}")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def create_tables(spark: SparkSession) -> None:
    for name, columns, day in [
        ("events", "event_timestamp timestamp", "event_timestamp"),
        ("letters", "event_timestamp string, reason string, raw string, ingested_at timestamp", "ingested_at"),
    ]:
        spark.sql(
            f"CREATE TABLE lake.bronze.{name} (user_id string, event_id string, event_type string, product_id string, "
            f"properties map<string, string>, source_file string, {columns}) USING iceberg PARTITIONED BY (days({day})) "
            "TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'write.distribution-mode' = 'none', "
            "'write.spark.fanout.enabled' = 'true')"
        )


def records_of(files: DataFrame) -> DataFrame:
    """A row a record, and a row a file that is no array: `files` has whole texts and their paths."""
    elements = f.from_json("value", t.ArrayType(t.StringType()), {"allowNonNumericNumbers": "false"})
    return files.select(
        f.col("source_file"), f.col("value"), f.explode_outer(elements).alias("raw")
    ).select("source_file", f.coalesce("raw", "value").alias("raw"), f.col("raw").isNull().alias("corrupted"))


def judged(records: DataFrame) -> DataFrame:
    """Each record parsed once, with the reason why it is no event; null for events."""
    parsed = records.withColumn("event", f.from_json("raw", EVENT)).withColumn(
        "keys", f.when(~f.col("corrupted"), f.json_object_keys("raw"))
    )
    time = f.when(
        f.col("event.event_timestamp").rlike(TIMESTAMP), f.expr("try_cast(event.event_timestamp AS timestamp)")
    )
    missing = f.col("event").isNull() | f.col("event_time").isNull() | f.col("keys").isNull()
    for name in FIELDS[:3]:
        missing = missing | f.col(f"event.{name}").isNull()
    extra = f.size(f.array_except("keys", f.array(*map(f.lit, FIELDS)))) > 0
    return parsed.withColumn("event_time", time).withColumn(
        "reason",
        f.when(f.col("corrupted"), "corrupted_batch").when(missing, "invalid_schema").when(extra, "extra_fields"),
    )


def append(rows: DataFrame) -> None:
    """Events to one table, everything else to the other."""
    common = [f.col(f"event.{name}").alias(name) for name in ["user_id", "event_id", "event_type", "product_id", "properties"]]
    rows.where("reason IS NULL").select(
        *common, "source_file", f.col("event_time").alias("event_timestamp")
    ).writeTo("lake.bronze.events").append()
    rows.where("reason IS NOT NULL").select(
        *common, "source_file", f.col("event.event_timestamp").alias("event_timestamp"), "reason", "raw",
        f.current_timestamp().alias("ingested_at"),
    ).writeTo("lake.bronze.letters").append()


def print_counts(spark: SparkSession) -> None:
    counts = {name: spark.table(f"lake.bronze.{name}").count() for name in ["events", "letters"]}
    print(json.dumps(counts), flush=True)
