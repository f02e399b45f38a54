/** A span of event times, microseconds since 1970, both ends included. */
export interface TimeSpan {
  from: bigint;
  to: bigint;
}
