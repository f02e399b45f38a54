/** The time at which a question reads its tables; now, if neither is set. */
export interface TimeTravel {
  /** Milliseconds since 1970. */
  asOfMs?: number;
  snapshotId?: bigint;
}
