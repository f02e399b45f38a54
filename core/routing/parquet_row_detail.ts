/** Six digits of a second are how a column of timestamps is printed here. */
const NAIVE_TIMESTAMP = /the offset is missing[^"]*, found string "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}/;
const ODD_BYTE = /\\udc[89a-f][0-9a-f]/i;

/**
 * What a dead letter says of a row: the judge reads a row as text and does not know of columns
 * without a time zone, nor of bytes that are not UTF-8.
 */
export function detailOfRow(detail: string, record: () => string): string {
  if (NAIVE_TIMESTAMP.test(detail)) return `${detail}; the Parquet column has no time zone`;
  if (!detail.includes("surrogate") || !ODD_BYTE.test(record())) return detail;
  return `${detail}; \\udc80 to \\udcff stand for bytes 80 to ff that are not UTF-8`;
}
