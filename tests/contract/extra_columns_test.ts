import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { adoptAddedColumns, columnRoom, widenContract } from "../../core/contract/extra_columns.ts";
import { eventFields } from "../../core/lake/our_columns.ts";
import { Judge } from "../../core/contract/judge.ts";
import type { Field } from "../../core/iceberg/format/type.ts";
import { parseContract } from "../../core/contract/json_schema.ts";

const nested = parseContract(JSON.stringify({
  type: "object",
  properties: {
    s: { type: "object", properties: { a: { type: "string" } } },
    l: { type: "array", items: { type: "object", properties: { a: { type: "string" } } } },
    m: { type: "object", additionalProperties: { type: "object", properties: { a: { type: "string" } } } },
  },
}));

function extrasOf(contract: typeof nested, record: string) {
  const found = new Judge(contract, "add").judge(record);
  ok(found.kind === "event");
  return found.extras.map(({ path }) => path);
}

Deno.test("fields that were seen become text columns, and hold every value's own text", () => {
  const records = ['{"s":{"a":"1","x":1.50}}', '{"l":[{"y":{"z":[1]}}],"n":true}', '{"m":{"k":{"w":null}},"n":"text"}'];
  const { contract, added } = widenContract(nested, records.flatMap((record) => extrasOf(nested, record)));
  deepStrictEqual(added, [["s", "x"], ["l", 0, "y"], ["n"], ["m", "k", "w"]]);
  const judge = new Judge(contract, "rescue");
  const values = records.map((record) => {
    const found = judge.judge(record);
    ok(found.kind === "event" && found.rescued === null);
    return JSON.parse(JSON.stringify(found.values));
  });
  deepStrictEqual(values, [
    { s: { a: "1", x: "1.50" }, l: null, m: null, n: null },
    { s: null, l: [{ a: null, y: '{"z":[1]}' }], m: null, n: "true" },
    { s: null, l: null, m: { k: { a: null, w: null } }, n: "text" },
  ]);
});

Deno.test("a widened contract is one like any other: its text gives it again", () => {
  const { contract } = widenContract(defaultContract(), [["color"], ["color"]]);
  deepStrictEqual(parseContract(contract.text), contract);
  strictEqual(contract.fields.at(-1)!.required, false);
  strictEqual(widenContract(contract, [["color"]]).contract, contract);
});

Deno.test("names that no column can have, and names that differ only in case, are left for _rescued", () => {
  const paths = [["USER_ID"], ["color"], ["Color"], ["_mine"], [""], ["a\0b"], ["s.a"], ["s", "A"], ["s", "_b"], [
    "s",
    "a",
  ]];
  deepStrictEqual(widenContract(nested, paths).added, [["USER_ID"], ["color"], ["s", "_b"]]);
  deepStrictEqual(widenContract(defaultContract(), [["USER_ID"], ["properties.key"]]).added, []);
  const { contract } = widenContract(defaultContract(), [["color"]]);
  const base = '"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"';
  const found = new Judge(contract, "rescue").judge(`{${base},"color":"red","Color":"blue"}`);
  ok(found.kind === "event" && found.values.color === "red" && found.rescued === '{"Color":"blue"}');
});

Deno.test("keys that are data do not become columns without end", () => {
  const paths = Array.from({ length: 3000 }, (_, i) => i % 2 === 0 ? [`key${i}`] : ["s", `key${i}`]);
  const empty = eventFields(nested, { rescued: true });
  const first = widenContract(nested, paths, columnRoom(nested, { events: empty, deadLetters: empty }));
  deepStrictEqual(first.added, paths.slice(0, 200));
  strictEqual(first.beyond, 2800);
  const table = eventFields(first.contract, { rescued: true });
  const adopted = adoptAddedColumns(nested, table);
  strictEqual(adopted.text, first.contract.text);
  const second = widenContract(adopted, [["one"]], columnRoom(nested, { events: table, deadLetters: table }));
  deepStrictEqual([second.contract, second.beyond], [adopted, 1]);
});

Deno.test("a field that the tables have as something else stays in _rescued, at any depth, however it is spelled", () => {
  const text = (name: string) => ({ id: 0, name, required: false, type: { type: "string" as const } });
  const long = (name: string) => ({ ...text(name), type: { type: "long" as const } });
  const struct = (name: string, ...fields: Field[]) => ({
    ...text(name),
    type: { type: "struct" as const, fields },
  });
  const list = { type: "list" as const, elementId: 0, elementRequired: false, element: long("").type };
  const events = [
    ...eventFields(nested, { rescued: true }).filter(({ name }) => name !== "s"),
    struct("s", text("a"), long("n"), struct("o", text("p"))),
    long("n"),
    struct("o", text("x")),
    { ...text("tags"), type: list },
  ];
  const room = columnRoom(nested, { events, deadLetters: [...events, long("letter")] });
  const clashing = [
    ["n"],
    ["N"],
    ["o"],
    ["o.x"],
    ["O.X"],
    ["tags"],
    ["tags.element"],
    ["s", "n"],
    ["s", "N"],
    [
      "s",
      "o",
    ],
    ["s", "o.p"],
    ["s.o.p"],
    ["s.n"],
    ["letter"],
    ["m.value.a"],
    ["m.key"],
  ];
  const found = widenContract(nested, [...clashing, ["s", "fine"], ["o.y"], ["fine"]], room);
  deepStrictEqual(
    found.clashing,
    clashing.map((path) => path.join(".")).filter((name, i, all) => all.indexOf(name) === i),
  );
  deepStrictEqual(found.added, [["s", "fine"], ["o.y"], ["fine"]]);
});

Deno.test("what earlier runs added to the table is taken up again, from the table alone", () => {
  const { contract } = widenContract(nested, [["x"], ["s", "y"], ["l", 0, "z"], ["m", "k", "w"]]);
  const table = eventFields(contract, { rescued: true });
  strictEqual(adoptAddedColumns(nested, table).text, contract.text);
  strictEqual(adoptAddedColumns(contract, table), contract);
  const dropped = [...table, { id: 0, name: "count", required: false, type: { type: "long" as const } }];
  strictEqual(adoptAddedColumns(nested, dropped).text, contract.text);
});
