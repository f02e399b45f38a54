/**
 * What a column or a node of the contract holds. Read by both sides, so it is plain TypeScript as
 * well as AssemblyScript.
 */
export const enum Kind {
  STRING = 0,
  INT = 1,
  LONG = 2,
  FLOAT = 3,
  DOUBLE = 4,
  BOOLEAN = 5,
  /** Days since 1970-01-01. */
  DATE = 6,
  /** Microseconds since 1970-01-01 in UTC. */
  INSTANT = 7,
  /** Sixteen bytes, in the order of the text. */
  UUID = 8,
  /** The unscaled value: 4, 8 or 16 bytes, as the precision asks. */
  DECIMAL = 9,
  STRUCT = 10,
  MAP = 11,
  LIST = 12,
}
