import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { JsonArrayScan, type TextVerdict } from "../../core/json/array_scan.ts";
import { scanJsonArray, scanNdjson } from "../../core/json/text.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

/** The verdict on a text that comes in one piece. */
function verdictOf(bytes: Uint8Array): TextVerdict {
  const scan = new JsonArrayScan();
  scan.push(bytes);
  return scan.end();
}

/** Elements as [text, offset], and the verdict. */
async function elements(
  bytes: Uint8Array,
  size: number,
): Promise<{ records: [string, number][]; verdict: TextVerdict }> {
  const scan = scanJsonArray(chunks(bytes, size));
  const records: [string, number][] = [];
  for (;;) {
    const step = await scan.next();
    if (step.done) return { records, verdict: step.value };
    for (const { bytes, offset, position } of step.value) {
      strictEqual(position, records.length);
      records.push([decode(bytes), offset]);
    }
  }
}

/** JSON values as text in random layouts. */
const spaces = fc.string({ unit: fc.constantFrom(" ", "\t", "\n", "\r"), maxLength: 3 });
const scalar = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    "0",
    "-0",
    "1.5",
    "-12e+3",
    "1E-7",
    "0.10",
    "123456789012345678901234567890",
    "true",
    "false",
    "null",
  ),
  fc.constantFrom('"\\u00e9\\ud83d\\ude00"', '"\\ud800"', '"\\/\\b\\f"', '""', '"日本😀"'),
);
const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.tuple(spaces, fc.array(fc.tuple(tie("value"), spaces), { maxLength: 4 })).map(([space, items]) =>
      `[${space}${items.map(([item, after]) => item + after).join(`,${space}`)}]`
    ),
    fc.tuple(spaces, fc.array(fc.tuple(fc.string({ maxLength: 3 }), tie("value"), spaces), { maxLength: 4 })).map(
      ([space, members]) =>
        `{${space}${members.map(([key, item, after]) => `${JSON.stringify(key)}${after}:${space}${item}`).join(",")}}`,
    ),
  ),
})).value;

Deno.test("elements come with their exact text and offset, wherever chunks are cut", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.tuple(spaces, jsonText, spaces), { minLength: 1, maxLength: 5 }),
    spaces,
    fc.boolean(),
    fc.integer({ min: 1, max: 40 }),
    async (items, around, mark, size) => {
      const text = `${mark ? "\ufeff" : ""}${around}[${
        items.map(([before, item, after]) => before + item + after).join(",")
      }]${around}`;
      const bytes = encode(text);
      const { records, verdict } = await elements(bytes, size);
      deepStrictEqual(verdict, { kind: "ok", records: items.length });
      deepStrictEqual(records.map(([record]) => record), items.map(([, item]) => item));
      for (const [record, offset] of records) {
        strictEqual(decode(bytes.subarray(offset, offset + encode(record).length)), record);
      }
    },
  ));
});

Deno.test("a text is accepted exactly when it is UTF-8 and JSON.parse finds an array with something in it", async () => {
  const damage = fc.record({
    at: fc.nat(200),
    how: fc.constantFrom("insert", "replace", "delete", "cut"),
    byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...encode(' \t\n\v,:[]{}"\\0e-+.tfnu/'))),
  });
  const accepts = (bytes: Uint8Array): boolean => {
    try {
      const value: unknown = JSON.parse(decode(bytes).replace(/^\ufeff/, ""));
      return Array.isArray(value) && value.length > 0;
    } catch {
      return false;
    }
  };
  await fc.assert(
    fc.asyncProperty(
      jsonText,
      fc.array(damage, { maxLength: 2 }),
      fc.integer({ min: 1, max: 20 }),
      async (inner, damages, size) => {
        let bytes = encode(`[${inner}]`);
        for (const { at, how, byte } of damages) {
          const place = at % bytes.length,
            tail = how === "cut" ? [] : [...bytes.subarray(how === "insert" ? place : place + 1)];
          const middle = how === "insert" || how === "replace" ? [byte] : [];
          bytes = Uint8Array.from([...bytes.subarray(0, place), ...middle, ...tail]);
          if (bytes.length === 0) break;
        }
        const verdict = verdictOf(bytes);
        strictEqual(verdict.kind === "ok", accepts(bytes), JSON.stringify(verdict));
        deepStrictEqual(await validated(chunks(bytes, size)), verdict);
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("every UTF-8 sequence is judged as the standard decoder judges it", () => {
  const check = (...sequence: number[]) => {
    const bytes = Uint8Array.from([0x5b, 0x22, ...sequence, 0x22, 0x5d]);
    let valid = true;
    try {
      decode(bytes);
    } catch {
      valid = false;
    }
    strictEqual(
      verdictOf(bytes).kind === "ok",
      valid,
      sequence.map((byte) => byte.toString(16)).join(" "),
    );
  };
  const seconds = [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
  for (let lead = 0x80; lead < 0x100; lead++) {
    check(lead);
    for (const second of seconds) {
      check(lead, second);
      for (const third of [0x7f, 0x80, 0xbf, 0xc0]) {
        check(lead, second, third);
        for (const fourth of [0x7f, 0x80, 0xbf, 0xc0]) check(lead, second, third, fourth);
      }
    }
  }
});

Deno.test("nesting of 200,000 levels and a record of 64 MB are read", async () => {
  const deep = encode(
    `[${"[".repeat(200_000)}${"]".repeat(200_000)},${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}]`,
  );
  strictEqual((await elements(deep, 1 << 16)).records.length, 2);
  strictEqual(verdictOf(encode("[".repeat(200_000))).kind, "corrupt");
  let bytes = 0;
  const scan = new JsonArrayScan((record) => bytes = record.length);
  const piece = encode("x".repeat(1 << 20));
  scan.push(encode('[ "'));
  for (let i = 0; i < 64; i++) scan.push(piece);
  scan.push(encode('" ]'));
  deepStrictEqual(scan.end(), { kind: "ok", records: 1 });
  strictEqual(bytes, 64 * (1 << 20) + 2);
});

Deno.test("an array far larger than memory would like is read record by record", () => {
  let records = 0, longest = 0;
  const scan = new JsonArrayScan((bytes) => {
    records++;
    longest = Math.max(longest, bytes.length);
  });
  const piece = encode('{"a":"some text","b":[1,2,3]},\n'.repeat(4096));
  scan.push(encode("["));
  for (let i = 0; i < 500; i++) scan.push(piece);
  scan.push(encode("0]"));
  deepStrictEqual(scan.end(), { kind: "ok", records: 500 * 4096 + 1 });
  strictEqual(records, 500 * 4096 + 1);
  strictEqual(longest, 29);
});

Deno.test("nothing is read after the fault", () => {
  const scan = new JsonArrayScan();
  strictEqual(scan.push(encode("[1,")), true);
  strictEqual(scan.push(encode("x")), false);
  strictEqual(scan.push(encode("2]")), false);
  deepStrictEqual(scan.end(), { kind: "corrupt", detail: "byte 3 (line 1): expected a value, found 'x'", offset: 3 });
});

Deno.test("NDJSON lines come with their exact bytes and offset, wherever chunks are cut", async () => {
  const line = fc.oneof(
    fc.constantFrom("", " ", "\t\r", "\r"),
    fc.string({ unit: "binary", maxLength: 10 }).map((text) => text.replaceAll("\n", "")),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 8 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 20 }),
      async (lines, mark, size) => {
        const text = `${mark ? "\ufeff" : ""}${lines.join("\n")}`;
        const bytes = encode(text);
        const found: string[] = [];
        const scan = scanNdjson(chunks(bytes, size));
        for (;;) {
          const step = await scan.next();
          if (step.done) {
            strictEqual(step.value.kind, found.length > 0 ? "ok" : "corrupt");
            break;
          }
          for (const { bytes: record, offset, position } of step.value) {
            strictEqual(position, found.length);
            deepStrictEqual(bytes.subarray(offset, offset + record.length), record);
            found.push(decode(record));
          }
        }
        const trimmed = decode(bytes).replace(/^\ufeff/, "").split("\n").map((line) =>
          line.replace(/^[ \t\r]+|[ \t\r]+$/g, "")
        );
        deepStrictEqual(found, trimmed.filter((line) => line !== ""));
      },
    ),
  );
});

/** The verdict of a reader that wants no elements. */
async function validated(stream: AsyncIterable<Uint8Array>): Promise<TextVerdict> {
  const scan = new JsonArrayScan();
  for await (const chunk of stream) {
    if (!scan.push(chunk)) break;
  }
  return scan.end();
}

Deno.test("a part of a byte order mark is no white space, also where the file ends with it", () => {
  for (const bytes of [[0xef], [0xef, 0xbb], [0xef, 0xbb, 0x5b]]) {
    const detail = "byte 0 (line 1): expected an array ('[') or objects ('{'), found byte 0xEF";
    deepStrictEqual(verdictOf(Uint8Array.from(bytes)), { kind: "corrupt", detail, offset: 0 });
  }
});
