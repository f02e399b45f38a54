import type { Metric } from "../../telemetry/measurement.ts";

const gauge = (name: string, labels: readonly string[], help: string): Metric => ({
  name,
  type: "gauge",
  help,
  labels,
});
const counter = (name: string, labels: readonly string[], help: string): Metric => ({
  name,
  type: "counter",
  help,
  labels,
});

const SINCE = "of the batches that were known when this process started and of all since.";

/**
 * All of them, in the order of the answer. Names follow Prometheus' conventions: base units, the
 * unit last, `_total` for what only grows.
 */
export const METRICS = {
  buildInfo: gauge("streamlab_build_info", ["version"], "1, with the version of the server."),
  lakeReadable: gauge("streamlab_lake_readable", [], "1 if the last look at the lake succeeded, else 0."),
  lookAge: gauge("streamlab_look_age_seconds", [], "Age of the look at the lake that these values come from."),
  lastCommitTime: gauge(
    "streamlab_target_last_commit_timestamp_seconds",
    ["target"],
    "When the target's last batch was ingested, in seconds since 1970.",
  ),
  lastCommitAge: gauge(
    "streamlab_target_last_commit_age_seconds",
    ["target"],
    "Seconds since the target's last batch; goes on counting while it is idle, which is no lag.",
  ),
  idle: gauge(
    "streamlab_target_idle",
    ["target"],
    "1 if no file waits for the target and no batch is under way, else 0; absent where nobody can tell.",
  ),
  lag: gauge(
    "streamlab_target_lag_seconds",
    ["target"],
    "For how long the oldest file that waits for the target has waited; 0 if none waits.",
  ),
  lagKnown: gauge(
    "streamlab_target_lag_known",
    ["target"],
    "1 if the place where the target's files land can be listed, else 0: then its lag is not given.",
  ),
  waitingFiles: gauge("streamlab_target_waiting_files", ["target"], "Event files that wait for the target."),
  waitingBytes: gauge("streamlab_target_waiting_bytes", ["target"], "Size of the event files that wait."),
  batches: counter("streamlab_target_batches_total", ["target"], "Batches that were ingested, empty ones included."),
  batchFiles: gauge("streamlab_target_last_batch_files", ["target"], "Event files of the last batch."),
  batchRecords: gauge("streamlab_target_last_batch_records", ["target"], "Records of the last batch."),
  batchEvents: gauge("streamlab_target_last_batch_events", ["target"], "Valid events of the last batch."),
  batchDeadLetters: gauge("streamlab_target_last_batch_dead_letters", ["target"], "Dead letters of the last batch."),
  batchLag: gauge(
    "streamlab_target_last_batch_lag_seconds",
    ["target"],
    "For how long the oldest file of the last batch had waited when it was committed; absent where nobody knows.",
  ),
  files: counter("streamlab_target_files_total", ["target"], `Event files that were ingested, ${SINCE}`),
  readBytes: counter("streamlab_target_read_bytes_total", ["target"], `Size of these files, ${SINCE}`),
  records: counter("streamlab_target_records_total", ["target"], `Records of these files, ${SINCE}`),
  events: counter("streamlab_target_events_total", ["target"], `Of the records, valid events, ${SINCE}`),
  letters: counter(
    "streamlab_target_dead_letters_total",
    ["target", "reason"],
    `Of the records, dead letters; a corrupted file is one, ${SINCE}`,
  ),
  duplicates: counter("streamlab_target_duplicates_total", ["target"], `Repeats that were dropped, ${SINCE}`),
  superseded: counter(
    "streamlab_target_superseded_total",
    ["target"],
    `With upserts, records that are no row, because a newer one has their key or they remove it, ${SINCE}`,
  ),
  stepSeconds: counter(
    "streamlab_target_step_seconds_total",
    ["target", "step"],
    `Time that batches took, by step; steps overlap, ${SINCE}`,
  ),
  conflicts: counter(
    "streamlab_target_commit_conflicts_total",
    ["target"],
    `Commits of batches that were tried again, because another writer was first, ${SINCE}`,
  ),
  planFailures: gauge(
    "streamlab_target_plan_failures",
    ["target"],
    "How often the batch under way could not be routed; 0 without one.",
  ),
  deadLetters: gauge("streamlab_dead_letters", ["table", "reason"], "Dead letters in the table, by reason."),
  tableReadable: gauge(
    "streamlab_table_readable",
    ["table"],
    "1 if the table's metadata can be read, else 0: then there is nothing else of the table here.",
  ),
  tableRows: gauge("streamlab_table_rows", ["table"], "Rows in data files, before delete files."),
  tableFiles: gauge("streamlab_table_data_files", ["table"], "Live data files."),
  tableBytes: gauge("streamlab_table_size_bytes", ["table"], "Size of the live files."),
  tableDeletes: gauge("streamlab_table_delete_files", ["table"], "Live delete files."),
  tableSnapshots: gauge("streamlab_table_snapshots", ["table"], "Snapshots that have not expired."),
  upkeepDebt: gauge(
    "streamlab_table_upkeep_debt",
    ["table", "kind"],
    "What upkeep would find to do, by kind; counted once a minute.",
  ),
  tableCommitTime: gauge(
    "streamlab_table_last_commit_timestamp_seconds",
    ["table"],
    "Time of the current snapshot, in seconds since 1970.",
  ),
} as const satisfies Record<string, Metric>;
