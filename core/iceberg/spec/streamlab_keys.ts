/** Every key of ours in snapshot summaries, table properties and metadata files. None is needed to read a table. */
export const streamlabKey = {
  /** The UUID of the sequence of batches that a table belongs to; in summary and properties. */
  sequenceId: "streamlab.sequence-id",
  /** The last batch of that sequence in the table, decimal; in summary and properties. */
  batchId: "streamlab.batch-id",
  /** Field of metadata.json and of metadata-log entries: which commit wrote that version (file catalog only). */
  commitId: "streamlab-commit-id",
} as const;
