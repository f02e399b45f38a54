import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Contract, type ContractField, keyOf } from "../../core/contract/contract.ts";
import { Judge } from "../../core/contract/judge.ts";
import { type JsonNode, parseJsonTree } from "../../core/json/tree.ts";
import fc from "../support/property.ts";
import { isThorough } from "../support/thorough.ts";
import { anyContract } from "./arbitrary_contract.ts";
import { anyRecord } from "./arbitrary_record.ts";

const RUNS = isThorough ? 20_000 : 1_000;

/** A document with the value at `path` null. */
function nulled(node: JsonNode, [step, ...rest]: readonly string[]): JsonNode {
  if (step === undefined) return { kind: "null" };
  if (node.kind === "array") {
    return {
      ...node,
      items: node.items.map((item, i) => `${i}` === step ? nulled(item, rest) : item),
    };
  }
  if (node.kind !== "object") throw new Error(`There is no ${step}`);
  return { ...node, entries: node.entries.map(([key, value]) => [key, key === step ? nulled(value, rest) : value]) };
}

function textOf(node: JsonNode): string {
  switch (node.kind) {
    case "object":
      return `{${node.entries.map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`)}}`;
    case "array":
      return `[${node.items.map(textOf)}]`;
    case "number":
      return node.text;
    case "null":
      return "null";
    default:
      return JSON.stringify(node.value);
  }
}

/** The path, up to the last field that it goes through; undefined where that field is required. */
function nearestOptional({ fields }: Contract, path: readonly string[]): readonly string[] | undefined {
  let type: ContractField["type"] = { kind: "struct", fields };
  let nearest: readonly string[] | undefined;
  for (const [index, step] of path.entries()) {
    if (type.kind === "list") type = type.element.type;
    else if (type.kind === "map") type = type.value.type;
    else if (type.kind === "struct") {
      const field: ContractField | undefined = type.fields.find((each) => keyOf(each) === step);
      if (field === undefined) return undefined;
      nearest = field.required ? undefined : path.slice(0, index + 1);
      type = field.type;
    } else break;
  }
  return nearest;
}

/** Where the first problem is, from a detail that begins with its JSON pointer. */
function placeOf(detail: string): string[] {
  const [pointer] = detail.split(": expected ", 1);
  const control = (_: string, code: string) => String.fromCharCode(parseInt(code, 16));
  return pointer!.split("/").slice(1)
    .map((step) => step.replaceAll(/\\u([0-9a-f]{4})/g, control).replaceAll("~1", "/").replaceAll("~0", "~"));
}

Deno.test("a record that is kept has the values that it would have with null in place of its wrong types", () => {
  let kept = 0;
  const cases = anyContract.chain((contract) =>
    fc.record({ contract: fc.constant(contract), text: anyRecord(contract, "wild"), extras: fc.boolean() })
  );
  fc.assert(
    fc.property(cases, ({ contract, text, extras }) => {
      const onExtraFields = extras ? "rescue" : "dead-letter";
      const strict = new Judge(contract, onExtraFields), lenient = new Judge(contract, onExtraFields, "rescue");
      const first = strict.judge(text);
      if (first.kind !== "dead_letter") return deepStrictEqual(lenient.judge(text), first);
      if (first.reason === "extra_fields") return deepStrictEqual(lenient.judge(text), first);
      if (lenient.judge(text).kind !== "event") return strictEqual(lenient.judge(text).kind, "dead_letter");
      // What is kept as text is compared too, so that white space between values must not matter.
      let record = parseJsonTree(text);
      const found = lenient.judge(textOf(record));
      ok(found.kind === "event" && found.rescued !== null, text);
      let judgement = strict.judge(textOf(record));
      while (judgement.kind === "dead_letter") {
        const path = nearestOptional(contract, placeOf(judgement.detail));
        ok(path !== undefined, `${text}: ${judgement.detail}`);
        const before = textOf(record);
        record = nulled(record, path);
        notStrictEqual(textOf(record), before, judgement.detail);
        judgement = strict.judge(textOf(record));
      }
      ok(judgement.kind === "event");
      deepStrictEqual(found.values, judgement.values, text);
      kept++;
    }),
    { numRuns: RUNS },
  );
  ok(kept > RUNS / 50, `${kept} records were kept`);
});
