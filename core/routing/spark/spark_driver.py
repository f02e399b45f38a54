"""The driver on a Spark cluster: runs the tasks that streamlab hands it over a socket of this machine.

STREAMLAB_DRIVER is "PORT SECRET". The first line that comes is {"program": [...], "shipped": name or null}; then each
{"id": 1, "command": "route", "tasks": ["...", ...]} is answered by {"id": 1, "results": [...]}, in the order of the
tasks, or by {"id": 1, "failed": {"message": ..., "refused": what the program said, or null}}; meanwhile
{"id": 1, "done": 3, "active": 2}.
The driver ends with the connection, whichever side goes first.
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

from pyspark import SparkFiles
from pyspark.sql import SparkSession

PROGRESS_SECONDS = 1
# What says nothing about the task: Spark tries it again, perhaps on another machine.
OUTSIDE = ("unavailable", "interrupted")


def end_with_parent():
    """A task that Spark has given up must not work on: on Linux the kernel ends it with its worker."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
    except (OSError, AttributeError):
        pass


def error_of(stderr):
    for line in reversed(stderr.splitlines()):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("action") == "error":
            return record
    return None


def reason_of(error):
    """What is behind an error of Spark's, in one line: the program's own words, or the JVM's."""
    text = str(error).strip()
    for pattern in (r"RuntimeError: streamlab: (.+)", r"^Caused by: (.+)", r"^: (.+)"):
        found = re.findall(pattern, text, re.MULTILINE)
        if found:
            return found[-1].strip()
    return text.splitlines()[0] if text else type(error).__name__


def runner(command, program, shipped, environment):
    def run(texts):
        for text in texts:
            task = json.loads(text)
            # Each try has names of its own: retries and speculative twins never meet.
            if "attempt" in task:
                task["attempt"] = os.urandom(6).hex()
            program_there = [SparkFiles.get(shipped)] if shipped else program
            try:
                done = subprocess.run(
                    [*program_there, command, "--json"],
                    input=json.dumps(task).encode(),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env={**os.environ, **environment},
                    preexec_fn=end_with_parent,
                )
            except OSError as error:
                raise RuntimeError(f"streamlab: {program_there[0]} cannot be run on {socket.gethostname()}: {error.strerror}")
            if done.returncode == 0:
                yield ["result", done.stdout.decode()]
                continue
            error = error_of(done.stderr.decode(errors="replace"))
            if error is not None and error["kind"] not in OUTSIDE:
                yield ["refused", error]
                continue
            said = error["message"] if error else f"it ended with {done.returncode}"
            raise RuntimeError(f"streamlab: {said} (on {socket.gethostname()})")

    return run


class Driver:
    def __init__(self, connection):
        self.connection = connection
        self.sending = threading.Lock()
        self.context = None
        self.how = None

    def send(self, message):
        with self.sending:
            self.connection.sendall(json.dumps(message).encode() + b"\n")

    def start(self, program, shipped):
        session = SparkSession.builder.appName("streamlab").getOrCreate()
        self.context = session.sparkContext
        self.context.setLogLevel("WARN")
        environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        self.how = (program, shipped, environment)
        self.send({"version": self.context.version, "ui": self.context.uiWebUrl, "slots": self.context.defaultParallelism})

    def run(self, number, command, tasks):
        done = threading.Event()
        group = f"streamlab-{number}"
        threading.Thread(target=self.watch, args=(number, group, done), daemon=True).start()
        try:
            self.context.setJobGroup(group, f"streamlab {command}, {len(tasks)} tasks")
            # One partition for each task: of all its tries, collect() hands over one.
            answers = self.context.parallelize(tasks, max(1, len(tasks))).mapPartitions(runner(command, *self.how)).collect()
            refused = next((what for kind, what in answers if kind == "refused"), None)
            if refused is not None:
                answer = {"failed": {"message": refused["message"], "refused": refused}}
            else:
                answer = {"results": [what for _kind, what in answers]}
        except Exception as error:
            if not self.is_alive():
                # Without the JVM, or a cluster, no later task would fare better: the next driver may.
                try:
                    print(f"Error: {reason_of(error)}", file=sys.stderr, flush=True)
                finally:
                    os._exit(1)
            answer = {"failed": {"message": reason_of(error), "refused": None}}
        done.set()
        self.send({"id": number, **answer})

    def is_alive(self):
        try:
            return not self.context._jsc.sc().isStopped()
        except Exception:
            return False

    def watch(self, number, group, done):
        tracker = self.context.statusTracker()
        while not done.wait(PROGRESS_SECONDS):
            stages = [tracker.getStageInfo(stage) for job in tracker.getJobIdsForGroup(group)
                      for stage in tracker.getJobInfo(job).stageIds]
            stages = [stage for stage in stages if stage]
            self.send({
                "id": number,
                "done": sum(stage.numCompletedTasks for stage in stages),
                "active": sum(stage.numActiveTasks for stage in stages),
            })


    def listen(self, lines):
        for line in lines:
            request = json.loads(line)
            threading.Thread(target=self.run, args=(request["id"], request["command"], request["tasks"]), daemon=True).start()
        # The JVM ends with this process, and the executors with the JVM.
        os._exit(0)


def main():
    port, secret = os.environ.pop("STREAMLAB_DRIVER").split(" ")
    connection = socket.create_connection(("127.0.0.1", int(port)))
    connection.sendall(secret.encode() + b"\n")
    lines = connection.makefile("r", encoding="utf-8")
    first = json.loads(next(lines))
    driver = Driver(connection)
    # Spark may take minutes to start; streamlab, which asks nothing until then, may end before.
    listener = threading.Thread(target=driver.listen, args=(lines,))
    listener.start()
    try:
        driver.start(first["program"], first["shipped"])
    except BaseException as error:
        driver.send({"failed": reason_of(error)})
        os._exit(1)
    listener.join()


main()
