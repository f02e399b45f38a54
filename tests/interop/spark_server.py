"""A Spark with Iceberg that answers SQL, a line of JSON for a line of JSON, to several at once.

spark_server.py ICEBERG_JAR SOCKET PARENT

Listens on a Unix socket until the process PARENT has ended. Who connects has a session of its own: settings, and a catalog `lake`,
whose warehouse the first line tells.

{"catalog": "/..."} (of type hadoop) or {"catalog": "http://..."} (of type rest) is answered by {"rows": []}.
{"sql": "..."} is answered by {"rows": [...]}: each row as JSON text made by DuckDB, ordered, as in read_table.py; or {"error": "..."}.
{"metadata": "/…/v7.metadata.json"} is answered by the rows of that version of a table, of any table.
{"equality_delete": "lake.lab.t", "column": "id", "values": [...], "partition": [...]} deletes rows as Flink would: Spark itself has no way to.
"""
import json
import os
import socketserver
import sys
import threading
import time

import duckdb
import pyarrow
from pyspark.sql import SparkSession

LOOK_SECONDS = 0.2
jar, socket_path, parent = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.environ["PYARROW_IGNORE_TIMEZONE"] = "1"
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the JVM prints is no answer
spark = (
    SparkSession.builder.master("local[2]")
    # Not `spark.jars`, of which every start makes a copy, and which is read by class loaders of its own.
    .config("spark.driver.extraClassPath", jar)
    .config("spark.ui.enabled", "false")
    # Nobody looks at what was asked before, which would be kept all the same.
    .config("spark.ui.retainedJobs", "10")
    .config("spark.ui.retainedStages", "10")
    .config("spark.ui.retainedTasks", "100")
    .config("spark.sql.ui.retainedExecutions", "10")
    .config("spark.driver.memory", "2g")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")


class Session:
    def __init__(self, warehouse):
        self.spark = spark.newSession()
        # What Iceberg asks for the session of its thread must not be answered with the first of all.
        spark._jvm.SparkSession.setActiveSession(self.spark._jsparkSession)
        kind, place = ("rest", "uri") if warehouse.startswith("http") else ("hadoop", "warehouse")
        settings = {"": "org.apache.iceberg.spark.SparkCatalog", ".cache-enabled": "false", ".type": kind, f".{place}": warehouse}
        for name, value in settings.items():
            self.spark.conf.set(f"spark.sql.catalog.lake{name}", value)
        self.db = duckdb.connect()
        self.db.execute("SET TimeZone = 'UTC'")

    def answer(self, request):
        if "equality_delete" in request:
            self.equality_delete(request["equality_delete"], request["column"], request["values"], request.get("partition"))
            return []
        frame = self.spark.sql(request["sql"]) if "sql" in request else self.spark.read.format("iceberg").load(request["metadata"])
        if not frame.columns:
            return []
        if hasattr(frame, "toArrow"):  # Spark 4
            return self.rows_of(frame.toArrow())
        batches = frame._collect_as_arrow()
        return self.rows_of(pyarrow.Table.from_batches(batches)) if batches else []

    def rows_of(self, table):
        self.db.register("t", table)
        return [row[0] for row in self.db.execute("SELECT to_json(t)::VARCHAR j FROM t ORDER BY j").fetchall()]

    def equality_delete(self, name, column, values, partition):
        jvm, gateway = spark._jvm, spark.sparkContext._gateway
        iceberg = jvm.org.apache.iceberg
        table = iceberg.spark.Spark3Util.loadIcebergTable(self.spark._jsparkSession, name)
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


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        session = None
        for line in self.rfile:
            try:
                request = json.loads(line)
                if session is None:
                    session = Session(request["catalog"])
                    answer = {"rows": []}
                else:
                    answer = {"rows": session.answer(request)}
            except Exception as error:
                causes = [line for line in str(error).splitlines() if line.startswith("Caused by")]
                answer = {"error": "\n".join([str(error)[:500], *causes])}
            self.wfile.write(json.dumps(answer).encode() + b"\n")


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Who has gone needs no answer."""


def is_there(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False


# Of a server that was killed, whose parent had the same number.
if os.path.exists(socket_path):
    os.unlink(socket_path)
with Server(socket_path, Conversation) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", file=out, flush=True)
    while is_there(parent):
        time.sleep(LOOK_SECONDS)
os.unlink(socket_path)
# The JVM ends with its standard input, and what its threads are at is nobody's any more.
os._exit(0)
