/** Values of Parquet as the text that they are in JSON. */

/** Cut downwards. */
export function floor(value: bigint, by: bigint): bigint {
  return value / by - (value % by < 0n ? 1n : 0n);
}

/** With as many digits as tell the very instant, six at least. */
export function instantText(nanos: bigint): string {
  const millis = floor(nanos, 1_000_000n);
  const [date, clock] = new Date(Number(millis)).toISOString().split("T") as [string, string];
  const rest = String(nanos - millis * 1_000_000n).padStart(6, "0");
  const text = `${date.replace(/^\+0*/, "")}T${clock.slice(0, -1)}${rest}`;
  return text.endsWith("000") ? text.slice(0, -3) : text;
}

/** Bytes as text; where they are not UTF-8, each by itself. */
export function bytesJson(bytes: Uint8Array): string {
  try {
    return JSON.stringify(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return `"${Array.from(bytes, (byte) => `\\u${byte < 0x80 ? "00" : "dc"}${Uint8Array.of(byte).toHex()}`).join("")}"`;
  }
}
