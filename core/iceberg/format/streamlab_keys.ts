/**
 * Every key of ours in snapshot summaries, table properties and metadata files. None is needed to
 * read a table.
 */
export const streamlabKey = {
  /**
   * Field of metadata.json and of metadata-log entries: which commit wrote that version (file
   * catalog only).
   */
  commitId: "streamlab-commit-id",
  /**
   * The UUID of the sequence of batches that a target table was made with; in summary and
   * properties.
   */
  sequenceId: (target: string) => `streamlab.sequence-id.${target}`,
  /** The last batch of that sequence in the table, decimal; in summary and properties. */
  batchId: (target: string) => `streamlab.batch-id.${target}`,
  /**
   * The id of an abandoned rewrite's intent, in the summary of the snapshot that keeps it from
   * being committed late.
   */
  fencedRewrite: "streamlab.fenced-rewrite",
  /**
   * In the summary of the snapshot after which orphan removal takes away what lost commits have
   * left: how many files.
   */
  fencedFiles: "streamlab.fenced-files",
} as const;
