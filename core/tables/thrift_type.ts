/**
 * Types of Thrift's compact protocol, as headers of fields and lists name them. Source: Apache
 * Thrift, "thrift-compact-protocol.md".
 */
export const THRIFT = {
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const;
