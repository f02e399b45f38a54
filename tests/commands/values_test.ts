import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import * as values from "../../commands/line/values.ts";
import { isKind } from "../../core/base/errors.ts";
import { editDistance, nearest } from "../../commands/line/nearest.ts";

const NOW = Date.UTC(2026, 2, 5, 12, 30);

const good: [(text: string) => unknown, string, unknown][] = [
  [values.parseDuration, "500ms", 500],
  [values.parseDuration, "3s", 3_000],
  [values.parseDuration, "1.5h", 5_400_000],
  [values.parseDuration, "1h30m", 5_400_000],
  [values.parseDuration, "7d", 604_800_000],
  [values.parseDuration, "2w", 1_209_600_000],
  [values.parseDuration, "0", 0],
  [values.parseDuration, "0s", 0],
  [values.parseSize, "4096", 4096],
  [values.parseSize, "128MB", 128_000_000],
  [values.parseSize, "1.5GiB", 1_610_612_736],
  [values.parseSize, "16 kb", 16_000],
  [values.parseRate, "5000/s", 5_000],
  [values.parseRate, "300/m", 5],
  [values.parseRate, "0.5", 0.5],
  [values.parseTime, "2026-03-01", Date.UTC(2026, 2, 1)],
  [values.parseTime, "2026-03-01T12:00:00.25Z", Date.UTC(2026, 2, 1, 12, 0, 0, 250)],
  [values.parseTime, "2026-03-01 12:00:00+02:00", Date.UTC(2026, 2, 1, 10)],
  [values.parseTime, "2028-02-29", Date.UTC(2028, 1, 29)],
  [(text) => values.parsePast(text)(NOW), "-1h30m", NOW - 5_400_000],
  [(text) => values.parsePast(text)(NOW), "now", NOW],
  [(text) => values.parsePast(text)(NOW), "Today", Date.UTC(2026, 2, 5)],
  [(text) => values.parsePast(text)(NOW), "yesterday", Date.UTC(2026, 2, 4)],
  [(text) => values.parsePast(text)(NOW), "2026-03-01", Date.UTC(2026, 2, 1)],
  [values.parseTimeZone, "europe/berlin", "Europe/Berlin"],
  [values.parseTimeZone, "UTC", "UTC"],
  [values.parseChance, "0", 0],
  [values.parseChance, "1", 1],
  [values.parseChance, ".05", 0.05],
  [values.parseCount, "1_000", 1_000],
  [values.parseLimit, "0", { kind: "count", count: 0 }],
  [values.parseLimit, "1_000", { kind: "count", count: 1_000 }],
  [values.parseLimit, "2.5%", { kind: "percent", percent: 2.5 }],
  [values.parseLimit, "100%", { kind: "percent", percent: 100 }],
  [values.parseId, "9223372036854775807", 9223372036854775807n],
  [values.parseSwitch, "1", true],
  [values.parseSwitch, "false", false],
  [values.parseTableName, "bronze.events", { namespace: "bronze", name: "events" }],
  [values.parseLakeLocation, "local", { kind: "local", path: "lake" }],
  [values.parseLakeLocation, "s3", { kind: "s3", bucket: "lake", prefix: "" }],
  [values.parseLakeLocation, "s3://b/x/y/", { kind: "s3", bucket: "b", prefix: "x/y" }],
  [values.parseLakeLocation, "file:///data/lake", { kind: "local", path: "/data/lake" }],
  [values.parseLakeLocation, "../my lake", { kind: "local", path: "../my lake" }],
  [values.parseList, "a, b", ["a", "b"]],
  [values.parseList, 'day(ts),bucket(16, id),"odd, name"', ["day(ts)", "bucket(16, id)", '"odd, name"']],
];

for (const [parse, text, value] of good) {
  Deno.test(`${parse.name} understands ${text}`, () => deepStrictEqual(parse(text), value));
}

const bad: [(text: string) => unknown, string[]][] = [
  [values.parseDuration, ["", "3", "s", "-3s", "3 s", "3sec", "1s2"]],
  [values.parseSize, ["", "MB", "-1MB", "1XB", "1e3"]],
  [values.parseRate, ["", "0", "0/s", "-1/s", "5/d", "x/s"]],
  [values.parseTime, [
    "",
    "yesterday",
    "2026-02-30",
    "2026-13-01",
    "2026-03-01T12:00:00",
    "2026-03-01T25:00:00Z",
    "20260301",
  ]],
  [values.parsePast, ["", "-", "1h", "-1 hour", "tomorrow", "2026-02-30"]],
  [values.parseTimeZone, ["", "Berlin", "+02:00", "Europe/Nowhere", "UTC'; select 1"]],
  [values.parseChance, ["", "-0.1", "1.01", "50%", "1e-1"]],
  [values.parseCount, ["", "-1", "1.5", "1e3", "99999999999999999999"]],
  [values.parseLimit, ["", "-1", "1.5", "%", "101%", "-1%", "1 %", "5%%"]],
  [values.parseId, ["", "-1", "0x1", "1.0"]],
  [values.parseSwitch, ["", "yes"]],
  [values.parseTableName, ["", "events", ".events", "bronze.", "a.b.c", "a/b.c", "a b.c"]],
  [values.parseLakeLocation, ["", "ftp://x", "s3://"]],
  [values.parseList, ["", ",", "a,,b", "a,", "f(a", "a)", '"a']],
];

for (const [parse, texts] of bad) {
  Deno.test(`${parse.name} refuses what it cannot mean, saying what it expected`, () => {
    for (const text of texts) {
      throws(
        () => parse(text),
        (error) => isKind(error, "usage") && /^expected .*, got "/.test(error.message),
        `"${text}" was taken`,
      );
    }
  });
}

Deno.test("the nearest word is near, or there is none", () => {
  strictEqual(editDistance("abcd", "acbd"), 1);
  strictEqual(editDistance("", "abc"), 3);
  strictEqual(nearest("cosnume", ["produce", "consume"]), "consume");
  strictEqual(nearest("--batchsize", ["--batches", "--batch-size"]), "--batch-size");
  strictEqual(nearest("comp", ["produce", "completions"]), "completions");
  strictEqual(nearest("xyzzy", ["produce", "consume"]), undefined);
});
