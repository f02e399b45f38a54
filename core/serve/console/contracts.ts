import type { Json } from "../../base/json.ts";
import { evolve } from "../../contract/evolution.ts";
import type { Contract } from "../../contract/contract.ts";
import { parseContractDocument } from "../../contract/json_schema.ts";
import { fieldsById, findFieldByPath, type Schema } from "../../iceberg/format/schema.ts";
import type { SchemaChange } from "../../iceberg/format/schema_change.ts";
import { currentSchema, type TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { eventFields, OUR_COLUMNS } from "../../lake/our_columns.ts";
import { type KnownTarget, targetsOfCatalog } from "../../lake/targets.ts";
import { sqlTypeOf } from "../../tables/sql_type.ts";
import { jsonAnswer } from "../answer.ts";
import { badRequest, HttpRefusal } from "../http_refusal.ts";
import { type ConsoleCall, isoOf } from "./console_call.ts";

/** By what the records of a target are judged, and how its table's columns came to be. */
export async function showContract(call: ConsoleCall): Promise<Response> {
  const { name, table, record } = await namedTarget(call, call.required("target"));
  const known = record();
  const { metadata } = table;
  return jsonAnswer(200, {
    target: name,
    contract: known === undefined ? null : call.parts.shown(known.contract),
    onExtraFields: known?.options.onExtraFields ?? null,
    onWrongType: known?.options.onWrongType ?? null,
    fields: known === undefined ? [] : fieldsJson(parseContractDocument(known.contract).contract, metadata),
    history: historyJson(metadata),
  });
}

/** What a changed contract would do to the table of a target. Changes nothing. */
export async function compareContract(call: ConsoleCall): Promise<Response> {
  const { target, contract: text } = await call.body();
  if (typeof target !== "string") throw badRequest("Cannot read target: it is not a text");
  if (typeof text !== "string") throw badRequest("Cannot read contract: it is not a text");
  const { name, table: { metadata } } = await namedTarget(call, target);
  const { contract, unchecked } = parseContractDocument(text);
  const schema = currentSchema(metadata);
  const rescued = findFieldByPath(schema, OUR_COLUMNS.rescued) !== undefined;
  const evolution = evolve(schema, metadata.lastColumnId, eventFields(contract, { rescued }));
  const isAllowed = evolution.kind === "allowed";
  return jsonAnswer(200, {
    target: name,
    isAllowed,
    changes: isAllowed ? evolution.changes.flatMap((change) => changeText(change) ?? []) : [],
    refusals: isAllowed ? [] : evolution.refusals.map(({ column, reason }) => ({ column, reason })),
    notChecked: unchecked.map((each) => ({ ...each })) as unknown as Json,
  });
}

async function namedTarget(call: ConsoleCall, name: string): Promise<KnownTarget> {
  const found = (await targetsOfCatalog(call.parts.catalog)).find((target) => target.name === name);
  if (found !== undefined) return found;
  throw new HttpRefusal(404, "NoSuchTargetException", `There is no target ${name} with a table yet`);
}

function fieldsJson(contract: Contract, metadata: TableMetadata): Json {
  const columns = new Map(currentSchema(metadata).fields.map((field) => [field.name, field]));
  return contract.fields.map(({ name, key, nullable, checks }) => {
    const column = columns.get(name);
    return {
      name,
      key: key ?? name,
      type: column === undefined ? null : sqlTypeOf(column.type),
      required: column?.required ?? false,
      nullable,
      checks: Object.keys(checks).sort(),
    };
  });
}

/** Each schema that the table has had, with what it brought; the newest first. */
function historyJson({ schemas, snapshots, currentSchemaId }: TableMetadata): Json {
  const ordered = [...schemas].sort((a, b) => a.schemaId - b.schemaId);
  return ordered.map((schema, index) => ({
    schemaId: schema.schemaId,
    isCurrent: schema.schemaId === currentSchemaId,
    since: isoOf(snapshots.find(({ schemaId }) => schemaId === schema.schemaId)?.timestampMs),
    changes: index === 0 ? ["the table was made"] : differences(ordered[index - 1]!, schema),
  })).reverse();
}

function differences(before: Schema, after: Schema): string[] {
  const old = fieldsById(before), now = fieldsById(after);
  const changes = [...now].flatMap(([id, { field, path }]) => {
    const was = old.get(id);
    if (was === undefined) return [`${path} was added (${sqlTypeOf(field.type)})`];
    const isWider = was.field.type.type !== "struct" && sqlTypeOf(was.field.type) !== sqlTypeOf(field.type);
    return [
      ...was.path === path ? [] : [`${was.path} became ${path}`],
      ...isWider ? [`${path} became ${sqlTypeOf(field.type)}`] : [],
      ...was.field.required && !field.required ? [`${path} became optional`] : [],
    ];
  });
  const gone = [...old].filter(([id]) => !now.has(id)).map(([, { path }]) => `${path} is gone`);
  return [...changes, ...gone];
}

/** Undefined for a change of order. */
function changeText(change: SchemaChange): string | undefined {
  switch (change.change) {
    case "add-column": {
      const path = [change.parent, change.field.name].filter((part) => part !== undefined).join(".");
      return `${path} is added (${sqlTypeOf(change.field.type)})`;
    }
    case "widen-column":
      return `${change.path} becomes ${sqlTypeOf(change.type)}`;
    case "make-optional":
      return `${change.path} becomes optional`;
    default:
      return undefined;
  }
}
