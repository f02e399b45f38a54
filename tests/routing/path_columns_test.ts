import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { parseContract } from "../../core/contract/json_schema.ts";
import {
  checkPathColumns,
  pathMembers,
  prependMembers,
  typeOfKey,
  withMembers,
} from "../../core/routing/path_columns.ts";
import fc from "../support/property.ts";

const { fields } = parseContract(JSON.stringify({
  type: "object",
  properties: {
    dt: { type: "string", format: "date" },
    hour: { type: "integer" },
    rate: { type: "number" },
    at: { type: "integer", format: "epoch-seconds" },
    on: { type: "boolean" },
    region: { type: "string" },
    tags: { type: "array", items: { type: "string" } },
  },
}));

Deno.test("folders give members by the contract's types; what they do not take stays text", () => {
  const cases: readonly (readonly [path: string, members: string])[] = [
    ["raw/events/dt=2026-03-01/hour=03/x.json", '"dt":"2026-03-01","hour":3'],
    ["s3://b/hour=00/dt=2026-13-99/x.json", '"dt":"2026-13-99","hour":0'],
    ["hour=-007/rate=0.50e3/on=true/x", '"hour":-7,"rate":0.50e3,"on":true'],
    ["hour=x3/rate=.5/on=True/at=1700000000/x", '"hour":"x3","rate":".5","at":1700000000,"on":"True"'],
    ["region=eu%3Awest%2F1/x", '"region":"eu:west/1"'],
    ["region=100%/x", '"region":"100%"'],
    ['region=03/hour=__HIVE_DEFAULT_PARTITION__/region="/x', '"hour":null,"region":"\\""'],
    ["region=/Hour=3/xdt=2/dt/x", '"region":""'],
    ["raw/dt=2026-03-01", ""],
  ];
  const columns = ["dt", "hour", "rate", "at", "on", "region"];
  for (const [path, members] of cases) strictEqual(pathMembers(path, columns, typeOfKey(fields)), members, path);
  strictEqual(pathMembers("dt=2026-03-01/hour=03/x", ["hour", "dt"]), '"hour":3,"dt":"2026-03-01"');
});

Deno.test("fields that a contract does not name, or that are nested, are no columns of a path", () => {
  checkPathColumns(["dt", "hour"], fields);
  throws(() => checkPathColumns(["day"], fields), /Cannot take day from .*: the contract has no such field/);
  throws(() => checkPathColumns(["tags"], fields), /Cannot take tags from .*: the contract says that it is a list/);
});

Deno.test("members stand before those of an object, as text and in place, and leave other values alone", () => {
  const value = fc.oneof(fc.jsonValue().map((each) => JSON.stringify(each)), fc.constantFrom("{ }", '{\n"a":1}', "{}"));
  fc.assert(fc.property(value, fc.constantFrom("", '"dt":"é","hour":3'), (record, members) => {
    const text = withMembers(record, members);
    const object = JSON.parse(record);
    const isObject = typeof object === "object" && object !== null && !Array.isArray(object);
    deepStrictEqual(JSON.parse(text), isObject ? { ...JSON.parse(`{${members}}`), ...object } : object);
    const [own, before] = [record, members].map((each) => new TextEncoder().encode(each)) as [Uint8Array, Uint8Array];
    const bytes = new Uint8Array(before.length + 1 + own.length);
    bytes.set(own, before.length + 1);
    const start = prependMembers(bytes, before.length + 1, before);
    strictEqual(new TextDecoder().decode(bytes.subarray(start)), text);
  }));
});
