"""A Spark session with Iceberg that answers SQL, a line of JSON for a line of JSON.

spark_server.py ICEBERG_JAR WAREHOUSE   (catalog `lake`, of type hadoop)
spark_server.py ICEBERG_JAR http://...  (catalog `lake`, of type rest)

{"sql": "..."} is answered by {"rows": [...]}: each row as JSON text made by DuckDB, ordered, as in read_table.py; or {"error": "..."}.
{"metadata": "/…/v7.metadata.json"} is answered by the rows of that version of a table, of any table.
{"equality_delete": "lake.lab.t", "column": "id", "values": [...], "partition": [...]} deletes rows as Flink would: Spark itself has no way to.
"""
import json
import os
import sys

import duckdb
import pyarrow
from pyspark.sql import SparkSession

jar, warehouse = sys.argv[1], sys.argv[2]
os.environ["PYARROW_IGNORE_TIMEZONE"] = "1"
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the JVM prints is no answer
builder = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", jar)
    .config("spark.ui.enabled", "false")
    .config("spark.driver.memory", "1g")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog")
    .config("spark.sql.catalog.lake.cache-enabled", "false")
)
if warehouse.startswith("http"):
    builder = builder.config("spark.sql.catalog.lake.type", "rest").config("spark.sql.catalog.lake.uri", warehouse)
else:
    builder = builder.config("spark.sql.catalog.lake.type", "hadoop").config("spark.sql.catalog.lake.warehouse", warehouse)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
print(json.dumps({"rows": []}), file=out, flush=True)



def rows_of(table):
    db.register("t", table)
    return [row[0] for row in db.execute("SELECT to_json(t)::VARCHAR j FROM t ORDER BY j").fetchall()]


def equality_delete(name, column, values, partition):
    jvm, gateway = spark._jvm, spark.sparkContext._gateway
    iceberg = jvm.org.apache.iceberg
    table = iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, name)
    names = jvm.java.util.ArrayList()
    names.add(column)
    schema = table.schema().select(names)
    ids = gateway.new_array(jvm.int, 1)
    ids[0] = table.schema().findField(column).fieldId()
    builder = getattr(iceberg.data, "GenericFileWriterFactory$Builder")(table)
    factory = builder.equalityFieldIds(ids).equalityDeleteRowSchema(schema).build()
    path = table.locationProvider().newDataLocation(f"equality-{os.urandom(8).hex()}.parquet")
    output = iceberg.encryption.EncryptedFiles.plainAsEncryptedOutput(table.io().newOutputFile(path))
    key = None
    if partition:
        key = iceberg.data.GenericRecord.create(table.spec().partitionType())
        for at, value in enumerate(partition):
            key.set(at, value)
    writer = factory.newEqualityDeleteWriter(output, table.spec(), key)
    for value in values:
        record = iceberg.data.GenericRecord.create(schema)
        record.setField(column, value)
        writer.write(record)
    writer.close()
    table.newRowDelta().addDeletes(writer.toDeleteFile()).commit()

for line in sys.stdin:
    try:
        request = json.loads(line)
        rows = []
        frame = None
        if "sql" in request:
            frame = spark.sql(request["sql"])
        elif "metadata" in request:
            frame = spark.read.format("iceberg").load(request["metadata"])
        else:
            equality_delete(request["equality_delete"], request["column"], request["values"], request.get("partition"))
        if frame is not None and frame.columns:
            if hasattr(frame, "toArrow"):  # Spark 4
                rows = rows_of(frame.toArrow())
            elif batches := frame._collect_as_arrow():
                rows = rows_of(pyarrow.Table.from_batches(batches))
        answer = {"rows": rows}
    except Exception as error:
        causes = [line for line in str(error).splitlines() if line.startswith("Caused by")]
        answer = {"error": "\n".join([str(error)[:500], *causes])}
    print(json.dumps(answer), file=out, flush=True)
