import { deepStrictEqual, ok } from "node:assert/strict";
import { ContractProblems } from "../../core/contract/contract_error.ts";
import { isKind } from "../../core/base/errors.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { Judge } from "../../core/contract/judge.ts";
import { COLUMN_FORMATS } from "../../core/contract/schema/column_formats.ts";
import { normalSchema } from "../../core/contract/schema/normal_schema.ts";
import { SchemaBudget } from "../../core/contract/schema/schema_budget.ts";
import { SchemaCheck } from "../../core/contract/schema/schema_check.ts";
import { parseJsonTree } from "../../core/json/tree.ts";
import { canFindSuite, type SuiteGroup, suiteGroups } from "../support/schema_suite.ts";

const dialects = ["draft2020-12", "draft2019-09", "draft7", "draft6", "draft4"];

/** What is refused by name instead of read: each leads out of its file, or needs a vocabulary. */
const refusedFiles = ["refRemote.json", "vocabulary.json"];

const ALWAYS = "a format that gives a column its type is always checked";
/** Groups in which this reading of JSON Schema differs, with the reason. */
const different: Readonly<Record<string, string>> = {
  "format.json: date format": ALWAYS,
  "format.json: date-time format": ALWAYS,
  "format.json: uuid format": ALWAYS,
};

function suiteTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name, ignore: !canFindSuite(), fn: run });
}

for (const dialect of dialects) {
  suiteTest(
    `the official suite's values of ${dialect} are valid or not as it says, or their schema is refused`,
    async () => {
      const wrong: string[] = [];
      let checked = 0, refused = 0;
      for (const [file, groups] of await suiteGroups(dialect)) {
        if (refusedFiles.includes(file)) continue;
        for (const group of groups) {
          if (`${file}: ${group.description}` in different) continue;
          const validity = schemaValidity(group, dialect);
          if (validity === undefined) {
            refused++;
            continue;
          }
          for (const { description, data, valid } of group.tests) {
            checked++;
            if (validity(data) !== valid) wrong.push(`${file}: ${group.description}: ${description}`);
          }
        }
      }
      deepStrictEqual(wrong, []);
      ok(checked > 400 && refused < 40, `${checked} checked, ${refused} groups refused`);
    },
  );
}

/** By the check alone; undefined where the schema is refused. */
function schemaValidity({ schema }: SuiteGroup, dialect: string): ((data: unknown) => boolean) | undefined {
  const problems = new ContractProblems();
  const document = withDialect(schema, dialect);
  try {
    const options = { assertFormats: false, columnFormats: COLUMN_FORMATS };
    const normal = normalSchema(parseJsonTree(JSON.stringify(document)), options, problems, new SchemaBudget(problems));
    problems.refuse();
    const check = new SchemaCheck(normal.definitions);
    return (data) => check.mismatch(normal.root, parseJsonTree(JSON.stringify(data))) === undefined;
  } catch (error) {
    if (!isKind(error, "usage")) throw error;
    return undefined;
  }
}

function withDialect(schema: unknown, dialect: string): unknown {
  if (typeof schema !== "object" || schema === null || "$schema" in schema) return schema;
  const older = /^draft([4-7])$/.exec(dialect)?.[1];
  return older === undefined ? schema : { $schema: `http://json-schema.org/draft-0${older}/schema#`, ...schema };
}

const OBJECT = "who names fields means an object";
const EXTRA = "what becomes of fields that are not named is for --on-extra-fields to say";
/** Groups whose schema says more, or less, as that of a column, with the reason. */
const asColumn: Readonly<Record<string, string>> = {
  ...different,
  "additionalProperties.json: additionalProperties being false does not allow other properties": EXTRA,
  "additionalProperties.json: dependentSchemas with additionalProperties": EXTRA,
  "items.json: a schema given for items": "who describes items means an array",
  "properties.json: object properties validation": OBJECT,
  "properties.json: properties whose names are Javascript object property names": OBJECT,
  "ref.json: root pointer ref": OBJECT,
  "ref.json: simple URN base URI with $ref via the URN": OBJECT,
  "required.json: required validation": OBJECT,
};

suiteTest("as columns, the suite's schemas take the same values, but for what a column cannot hold", async () => {
  const wrong: string[] = [];
  let checked = 0;
  for (const [file, groups] of await suiteGroups("draft2020-12")) {
    if (refusedFiles.includes(file)) continue;
    for (const group of groups) {
      if (`${file}: ${group.description}` in asColumn) continue;
      const validity = columnValidity(group);
      if (validity === undefined) continue;
      for (const { description, data, valid } of group.tests) {
        checked++;
        if (validity(data) !== valid) wrong.push(`${file}: ${group.description}: ${description}`);
      }
    }
  }
  deepStrictEqual(wrong, []);
  ok(checked > 400, String(checked));
});

/** As the schema of a required field; undefined where the contract is refused. */
function columnValidity({ schema }: SuiteGroup): ((data: unknown) => boolean) | undefined {
  const own = typeof schema === "object" && schema !== null ? { $id: "urn:suite:schema", ...schema } : schema;
  const text = JSON.stringify({ type: "object", properties: { v: own }, required: ["v"] });
  try {
    const judge = new Judge(parseContract(text), "rescue");
    return (data) => judge.judge(JSON.stringify({ v: data })).kind === "event";
  } catch (error) {
    if (!isKind(error, "usage")) throw error;
    return undefined;
  }
}
