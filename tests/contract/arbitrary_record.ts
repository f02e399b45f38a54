import fc from "../support/property.ts";
import {
  type Contract,
  type ContractField,
  type ContractType,
  type ContractValue,
  type InstantSpelling,
  keyOf,
} from "../../core/contract/contract.ts";

/**
 * A record's text. Ordinary: valid, its keys in any order, written as programs write. Wild: odd in
 * every way, often invalid.
 */
export type Style = "ordinary" | "wild";

export function anyRecord(contract: Contract, style: Style): fc.Arbitrary<string> {
  const record = objectText(contract.fields, style);
  if (style === "ordinary") return record;
  return fc.oneof(
    { weight: 30, arbitrary: record },
    { weight: 1, arbitrary: anyJson },
    { weight: 1, arbitrary: record.map((text) => text.slice(0, -1)) },
    { weight: 1, arbitrary: record.map((text) => text.replace(/\}$/, ",}")) },
    { weight: 1, arbitrary: record.map((text) => ` ${text}\n`) },
    {
      weight: 1,
      arbitrary: fc.tuple(record, fc.nat(), fc.constantFrom("\0", " ", "\x0b", "1", '"', "\\", "NaN")).map(splice),
    },
  );
}

function splice([text, at, piece]: [string, number, string]): string {
  const place = at % (text.length + 1);
  return (text.slice(0, place) + piece + text.slice(place)).toWellFormed();
}

const space = (style: Style) =>
  style === "ordinary"
    ? fc.constantFrom("", " ")
    : fc.oneof({ weight: 8, arbitrary: fc.constant("") }, fc.constantFrom(" ", "\n", "\r\n\t", "   "));

function objectText(fields: readonly ContractField[], style: Style): fc.Arbitrary<string> {
  const members = fields.map((field) => memberText(field, style));
  return fc.tuple(fc.tuple(...members), extraMembers(style), fc.boolean(), fc.nat(), space(style), space(style)).map(
    ([present, extra, shuffled, turn, before, after]) => {
      const kept = [...present.flat(), ...extra];
      const from = shuffled && kept.length > 0 ? turn % kept.length : 0;
      return `{${after}${[...kept.slice(from), ...kept.slice(0, from)].join(`${before},${after}`)}${before}}`;
    },
  );
}

function extraMembers(style: Style): fc.Arbitrary<string[]> {
  if (style === "ordinary") return none;
  const extra = fc.tuple(stringText, anyJson).map(([key, value]) => [`${key}:${value}`]);
  return fc.oneof({ weight: 25, arbitrary: none }, { weight: 1, arbitrary: extra });
}

const none = fc.constant<string[]>([]);

/** None, one or two spellings of a field. */
function memberText(field: ContractField, style: Style): fc.Arbitrary<string[]> {
  const value = fieldValue(field, style);
  const key = JSON.stringify(keyOf(field));
  const once = fc.tuple(space(style), value).map(([gap, text]) => [`${key}:${gap}${text}`]);
  if (style === "ordinary") {
    return field.required ? once : fc.oneof({ weight: 4, arbitrary: once }, none);
  }
  const odd = fc.oneof(
    none,
    value.map((text) => [`${escaped(keyOf(field))}:${text}`]),
    value.map((text) => [`${JSON.stringify(keyOf(field).toUpperCase())}:${text}`]),
    fc.tuple(value, value).map(([a, b]) => [`${key}:${a}`, `${key}:${b}`]),
    fc.tuple(value, value).map(([a, b]) => [`${key}:${a}`, `${escaped(keyOf(field))}:${b}`]),
  );
  const byColumn = value.map((text) => [`${JSON.stringify(field.name)}:${text}`]);
  return fc.oneof(
    { weight: 12, arbitrary: once },
    { weight: field.required ? 1 : 3, arbitrary: odd },
    { weight: field.key === undefined ? 0 : 3, arbitrary: byColumn },
  );
}

/** A key with its characters as escapes. */
function escaped(name: string): string {
  const units = name.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `"${units.join("")}"`;
}

function fieldValue(field: ContractField, style: Style): fc.Arbitrary<string> {
  if (field.nullable || !field.required) {
    return fc.oneof({ weight: 6, arbitrary: valueText(field, style, false) }, fc.constant("null"));
  }
  return valueText(field, style, false);
}

function valueText(value: ContractValue, style: Style, orNull = value.nullable): fc.Arbitrary<string> {
  const typed = typeText(value, style);
  const valid = orNull ? fc.oneof({ weight: 6, arbitrary: typed }, fc.constant("null")) : typed;
  return style === "ordinary" ? valid : fc.oneof({ weight: 20, arbitrary: valid }, { weight: 1, arbitrary: anyJson });
}

function typeText({ type, checks, coerce }: ContractValue, style: Style): fc.Arbitrary<string> {
  if (coerce) {
    const plain = typeText({ type, checks, nullable: false }, style);
    return fc.oneof(plain, plain.map((text) => text.startsWith('"') ? text : JSON.stringify(text)));
  }
  switch (type.kind) {
    case "json":
      return anyJson;
    case "struct":
      return objectText(type.fields, style);
    case "list":
      return fc.tuple(fc.array(valueText(type.element, style), { maxLength: 3 }), space(style))
        .map(([items, gap]) => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`);
    case "map":
      return mapText(type, style);
    case "string":
      return checks.enum === undefined ? textOf(type, style) : enumText(checks.enum, style);
    default:
      return style === "ordinary" ? ordinaryScalar(type) : fc.oneof(ordinaryScalar(type), wildScalar(type));
  }
}

function mapText(type: ContractType & { kind: "map" }, style: Style): fc.Arbitrary<string> {
  const key = style === "ordinary" ? plainText : fc.oneof(plainText, stringText);
  const member = fc.tuple(key, valueText(type.value, style));
  const members = style === "ordinary"
    ? fc.uniqueArray(member, { maxLength: 3, selector: ([name]) => name })
    : fc.array(member, { maxLength: 4 });
  return fc.tuple(members, space(style)).map(([entries, gap]) =>
    `{${gap}${entries.map(([name, text]) => `${name}${gap}:${text}`).join(`${gap},`)}${gap}}`
  );
}

function enumText(allowed: readonly string[], style: Style): fc.Arbitrary<string> {
  const exact = fc.constantFrom(...allowed.map((text) => JSON.stringify(text)));
  if (style === "ordinary") return exact;
  return fc.oneof({ weight: 4, arbitrary: exact }, fc.constantFrom(...allowed.map(escaped)), stringText);
}

function textOf(type: ContractType & { kind: "string" }, style: Style): fc.Arbitrary<string> {
  const strings = style === "ordinary" ? plainText : fc.oneof(plainText, stringText);
  const { numbers, booleans, nested } = type.accepts;
  const also = [
    ...(numbers ? [style === "ordinary" ? fc.integer().map(String) : anyNumber] : []),
    ...(booleans ? [fc.constantFrom("true", "false")] : []),
    ...(nested && style === "wild" ? [anyJson] : []),
  ];
  return fc.oneof({ weight: 3, arbitrary: strings }, ...also);
}

const plainText = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 6 }),
  fc.string({ unit: "grapheme", maxLength: 4 }),
).map((text) => JSON.stringify(text.toWellFormed()));

/** Every way to write a string, right and wrong. */
const stringText = fc.array(
  fc.constantFrom(
    ...["a", "b", " ", "\\n", '\\"', "\\\\", "\\/", "/", "\\u0000", "\\u0041", "\\u00e9", "é", "😀", "\\ud83d\\ude00"],
    ...["\\uD83D\\uDE00", "\\ud800", "\\udc00\\ud800", "\\udfff", "\u2028", "\ufeff", "\u007f", "e\u0301", "\\u001f"],
    ...["\\b", "\\f", "\\t", "\\u0061", "'", "$", "\\uFFFF", "\u{10FFFF}", "\\ud83d\\u0041"],
  ),
  { maxLength: 5 },
).map((pieces) => `"${pieces.join("")}"`);

const double = fc.double({ noNaN: true, noDefaultInfinity: true });

/** Numbers at every edge, written in every way. */
const anyNumber = fc.oneof(
  fc.constantFrom(
    ...["0", "-0", "0.0", "-0.0", "1.0", "1e2", "1E+2", "1e-2", "1.50", "100.5e-1", "0.1", "-1.5", "1e22", "1e23"],
    ...["2147483647", "2147483648", "-2147483648", "-2147483649", "999999999", "9007199254740993", "1e400", "-1e400"],
    ...["9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616", "1e-400"],
    ...["123456789012345678", "0.1234567890123456789", "5e-324", "1.7976931348623157e308", "1.7976931348623159e308"],
    ...["3.4028235e38", "3.4028236e38", "1e38", "0.30000000000000004", "2.2250738585072011e-308", "123456.789e3"],
    ...["12345678901234567890123456789012345678", "0.000000000000000001", "99999999999999.9", "4.35", "1.005"],
  ),
  double.map((value) => String(value).replace("e+", "e")),
  double.map((value) => value.toPrecision(17)),
  fc.tuple(fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n }), fc.integer({ min: -25, max: 3 })).map(([digits, e]) =>
    `${digits}e${e}`
  ),
  fc.tuple(fc.integer(), fc.stringMatching(/^\d{1,18}$/)).map(([whole, fraction]) => `${whole}.${fraction}`),
  fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }).map(String),
  fc.integer({ min: -60, max: 60 }).map(String),
);

const two = (number: number) => String(number).padStart(2, "0");

const day = fc.tuple(
  fc.oneof(fc.integer({ min: 1970, max: 2040 }), fc.constantFrom(0, 1, 99, 100, 1582, 1900, 1969, 2000, 9899, 9999)),
  fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 12 }) }, fc.constantFrom(0, 13)),
  fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 28 }) }, fc.constantFrom(0, 29, 30, 31, 32)),
).map(([year, month, date]) => `${String(year).padStart(4, "0")}-${two(month)}-${two(date)}`);

const clock = fc.tuple(
  fc.oneof(fc.integer({ min: 0, max: 23 }), fc.constantFrom(24)),
  fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 59 }) }, fc.constantFrom(60)),
  fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 59 }) }, fc.constantFrom(60)),
).map((parts) => parts.map(two).join(":"));

const instant = fc.tuple(
  day,
  fc.oneof({ weight: 8, arbitrary: fc.constant("T") }, fc.constantFrom("t", " ")),
  clock,
  fc.oneof(fc.constant(""), fc.stringMatching(/^\.\d{1,12}$/), fc.constantFrom(".", ".999999999", ".9999995")),
  fc.constantFrom(
    "Z",
    "z",
    "+00:00",
    "-00:00",
    "+05:30",
    "-14:00",
    "+14:59",
    "+15:00",
    "-23:59",
    "+24:00",
    "",
    "+0530",
    "+05",
  ),
).map((parts) => `"${parts.join("")}"`);

function ordinaryScalar(type: ContractType): fc.Arbitrary<string> {
  switch (type.kind) {
    case "int":
      return fc.integer({ min: -999_999_999, max: 999_999_999 }).map(String);
    case "long":
      return fc.oneof(fc.maxSafeInteger().map(String), fc.integer().map(String));
    case "double":
      return fc.oneof(fc.integer().map(String), fc.double({ min: -1e15, max: 1e15, noNaN: true }).map(String));
    case "float":
      return fc.float({ min: -1e9, max: 1e9, noNaN: true }).map(String);
    case "decimal": {
      const whole = Math.min(9, type.precision - type.scale), fraction = Math.min(4, type.scale);
      return fc.tuple(fc.integer({ min: 0, max: 10 ** whole - 1 }), fc.integer({ min: 0, max: 10 ** fraction - 1 }))
        .map(
          ([units, rest]) => fraction === 0 ? `${units}` : `${units}.${String(rest).padStart(fraction, "0")}`,
        );
    }
    case "boolean":
      return fc.constantFrom("true", "false");
    case "date":
      return someDate.map((date) => `"${date.toISOString().slice(0, 10)}"`);
    case "timestamptz":
      return instantText(type.written);
    case "timestamp":
      return someDate.map((date) => JSON.stringify(date).replace("Z", ""));
    default:
      return fc.uuid().map((text) => `"${text}"`);
  }
}

function instantText(written: InstantSpelling | undefined): fc.Arbitrary<string> {
  if (written === undefined) return someDate.map((date) => JSON.stringify(date));
  if (written.as === "lenient") {
    return fc.tuple(someDate, fc.constantFrom("", "Z", "+0000", " UTC", "+01:30")).map(([date, offset]) =>
      JSON.stringify(date.toISOString().replace("T", " ").replace("Z", offset))
    );
  }
  const perSecond = { seconds: 1, millis: 1_000, micros: 1_000_000 }[written.unit];
  return someDate.map((date) => String(Math.floor(date.getTime() / 1_000) * perSecond));
}

const someDate = fc.date({ min: new Date("1970-01-01"), max: new Date("2100-01-01"), noInvalidDate: true });

function wildScalar(type: ContractType): fc.Arbitrary<string> {
  switch (type.kind) {
    case "boolean":
      return fc.constantFrom("true", "false", "0", '"true"');
    case "date":
      return fc.oneof(day.map((text) => `"${text}"`), instant);
    case "timestamptz":
      return type.written?.as === "epoch" ? fc.oneof(anyNumber, instant) : instant;
    case "timestamp":
      return instant;
    case "uuid":
      return fc.oneof(
        fc.uuid().map((text) => `"${text.toUpperCase()}"`),
        fc.uuid().map((text) => `"{${text}}"`),
        plainText,
      );
    default:
      return anyNumber;
  }
}

/** Any JSON value, a little of everything, with keys that stand twice. */
const anyJson: fc.Arbitrary<string> = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(stringText, plainText, anyNumber, instant, fc.constantFrom("null", "true", "false", "{}", "[]")),
    fc.array(tie("json"), { maxLength: 3 }).map((items) => `[${items.join(",")}]`),
    fc.array(fc.tuple(stringText, tie("json")), { maxLength: 3 }).map((members) =>
      `{${members.map(([key, value]) => `${key}:${value}`).join(", ")}}`
    ),
  ),
})).json;
