/** Formats of a contract for numbers that are times, by their unit. */
export type EpochFormat = "epoch-seconds" | "epoch-millis" | "epoch-micros";

/** Seconds since 1970 from September 2001 on, when they had ten digits, to 2100. */
const SECONDS_MIN = 1e9, SECONDS_MAX = 4_102_444_800;
const UNITS: readonly (readonly [EpochFormat, perSecond: number])[] = [
  ["epoch-seconds", 1],
  ["epoch-millis", 1e3],
  ["epoch-micros", 1e6],
];

/** The unit in which a number would be a time of our days. */
export function epochFormatOf(value: number): EpochFormat | undefined {
  return UNITS.find(([, perSecond]) => value >= SECONDS_MIN * perSecond && value < SECONDS_MAX * perSecond)?.[0];
}

/** Words of names of times wherever they stand, and those that must come last. */
const TIME_WORDS = /^(?:time|timestamp|ts|date|datetime|epoch)$/;
const LAST_WORDS = /^(?:at|when|utc|created|updated|modified|deleted|start|started|end|ended|expires|exp|iat|nbf)$/;
/** Units stand behind; what is of a time is none. */
const UNIT_WORDS = /^(?:s|sec|secs|seconds|ms|millis|milliseconds|us|micros|microseconds)$/;
const OTHER_WORDS = /^(?:id|offset|count|number|size|bytes|duration|version)$/;

/** Whether a field is called as times are: `created_at`, `eventTime`, `ts_ms`. */
export function isNamedLikeTime(name: string): boolean {
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, "$1 $2").toLowerCase().split(/[^a-z\d]+/).filter(Boolean);
  while (words.length > 1 && UNIT_WORDS.test(words.at(-1)!)) words.pop();
  const last = words.at(-1) ?? "";
  return !OTHER_WORDS.test(last) && (LAST_WORDS.test(last) || words.some((word) => TIME_WORDS.test(word)));
}
