import { parseContract } from "../../core/contract/json_schema.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import type { Field, Type } from "../../core/iceberg/format/type.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import { checkGolden } from "../support/golden.ts";
import { ConsumeWorld } from "./consume_world.ts";

/** Small schemas of our own, after the public documentation of each kind of event. */
const folder = new URL("./public_schemas/", import.meta.url);

for (const { name } of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
  for (const judgesAll of [false, true]) {
    const title = `events of ${name.replaceAll("_", " ")} become a table by a schema as people have it`;
    Deno.test(judgesAll ? `${title}, by the judge alone` : title, () => becomesTable(name, judgesAll));
  }
}

function becomesTable(name: string, judgesAll: boolean): Promise<void> {
  return ConsumeWorld.use(async (world) => {
    const read = (file: string) => Deno.readTextFileSync(new URL(`${name}/${file}`, folder));
    world.put("one.ndjson", read("records.ndjson"));
    await world.consume({ contract: parseContract(read("schema.json")), judgesAll });
    const { metadata } = (await world.catalog.loadTable(parseIdentifier("bronze.events")))!;
    const columns = currentSchema(metadata).fields.filter((field) => !field.name.startsWith("_"));
    const rows = await rowsOf(world, "bronze.events", columns.map((field) => field.name));
    const letters = await world.rows(
      "SELECT _dead_letter_reason || ': ' || _dead_letter_detail AS said FROM {{dead_letters.events}} ORDER BY _source_position",
    );
    const text = [
      "columns",
      ...columns.map((field) => `  ${columnText(field)}`),
      "events",
      ...rows.map((row) => `  ${row}`),
      "dead letters",
      ...letters.map(({ said }) => `  ${said}`),
    ];
    await checkGolden(new URL(`${name}/table.txt`, folder), `${text.join("\n")}\n`);
  });
}

async function rowsOf(world: ConsumeWorld, table: string, columns: string[]): Promise<string[]> {
  const names = columns.map((column) => `"${column}"`).join(", ");
  const rows = await world.rows(
    `SELECT CAST(to_json(row) AS VARCHAR) AS text FROM (SELECT _source_position, {${
      columns.map((column) => `"${column}": "${column}"`).join(", ")
    }} AS row FROM (SELECT _source_position, ${names} FROM {{${table}}})) ORDER BY _source_position`,
  );
  return rows.map(({ text }) => text as string);
}

function columnText({ name, type, required }: Field): string {
  return `${name} ${typeText(type)}${required ? "" : "?"}`;
}

function typeText(type: Type): string {
  switch (type.type) {
    case "struct":
      return `{${type.fields.map(columnText).join(", ")}}`;
    case "list":
      return `[${typeText(type.element)}${type.elementRequired ? "" : "?"}]`;
    case "map":
      return `map(${typeText(type.value)}${type.valueRequired ? "" : "?"})`;
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    default:
      return type.type;
  }
}
