/** Upkeep of tables of which a REST catalog says that they are wherever it likes. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { maintain } from "../../commands/maintain/maintain.ts";
import { HISTORY_FOLDER } from "../../core/lake/layout.ts";
import { runProgram } from "../../commands/line/program.ts";
import { systemClock } from "../../core/base/clock.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { tableMetadataToText } from "../../core/iceberg/table_metadata_json.ts";
import { testWorld } from "../support/test_world.ts";
import { age, stranger, withStranger } from "./enemy.ts";
import { eventRows, type MaintainWorld } from "./maintain_world.ts";

/** A table as the catalog shows it. */
interface ShownTable {
  location: string;
  metadataLocation: string;
  /** Its metadata, but for the location. */
  of: LoadedTable;
}

/** Serves tables of the namespace `a`, and nothing else; a commit is refused. */
async function withCatalog(
  tables: Record<string, ShownTable>,
  action: (uri: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const url = new URL(request.url);
    const [, , namespaces, namespace, kind, name] = url.pathname.split("/");
    if (namespaces === "config") return Response.json({ defaults: {}, overrides: {} });
    if (namespace === undefined) {
      return Response.json({ namespaces: url.searchParams.has("parent") ? [] : [["a"]] });
    }
    if (kind === "tables" && name === undefined) {
      return Response.json({ identifiers: Object.keys(tables).map((each) => ({ namespace: ["a"], name: each })) });
    }
    const table = tables[name ?? ""];
    if (table === undefined || request.method !== "GET") return new Response("{}", { status: 404 });
    const text = tableMetadataToText({ ...table.of.metadata, location: table.location });
    return new Response(`{"metadata-location":${JSON.stringify(table.metadataLocation)},"metadata":${text}}`);
  });
  try {
    await action(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

/** Cleans all that the catalog shows, at any age, and returns what was said. */
async function clean(world: MaintainWorld, uri: string): Promise<{ status: number; said: string }> {
  const program = testWorld({ commands: [maintain] });
  const args = ["--remove-orphans", "--expire-snapshots", "--older-than", "0", "--retain-last", "1"];
  const status = await runProgram(["maintain", ...args, "--catalog", uri, "--source", world.lake.folder], {
    ...program,
    clock: systemClock,
  });
  return { status, said: program.stdoutText() + program.stderrText() };
}

/** All but what maintain has written down of its runs. */
function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(`${folder}/${name}`) : [`${folder}/${name}`]
  ).filter((path) => !path.includes(`/${HISTORY_FOLDER}/`)).sort();
}

Deno.test("a folder of this disk that a catalog calls a table is left as it is", () =>
  withStranger(async (world, folder) => {
    const of = await world.events(2);
    for (const name of ["home/data/sales.parquet", "home/data/notes.txt", "home/metadata/thesis.avro"]) {
      await stranger(folder, name);
    }
    const before = filesBelow(folder);
    const location = `file://${folder}/home`;
    const places = {
      nowhere: { location, metadataLocation: `${location}/metadata/00001-x.metadata.json`, of },
      elsewhere: { location, metadataLocation: of.metadataLocation, of },
    };
    for (const [name, table] of Object.entries(places)) {
      await withCatalog({ t: table }, async (uri) => {
        const { status, said } = await clean(world, uri);
        strictEqual(status, 1);
        match(said, name === "nowhere" ? /is not there/ : /lies elsewhere/);
        match(said, /Nothing was deleted/);
      });
      deepStrictEqual(filesBelow(folder), before);
    }
  }));

Deno.test("the lake itself, its raw zone and its checkpoints are no table, whatever a catalog says", () =>
  withStranger(async (world) => {
    const of = await world.events(2);
    const { folder } = world.lake;
    for (const name of ["raw/events/data/x.parquet", "checkpoints/a.b/data/x.parquet", "data/x.parquet"]) {
      await stranger(folder, name);
    }
    const before = filesBelow(folder);
    for (const place of ["", "/raw/events", "/checkpoints/a.b", "/raw", "/warehouse/../raw/events"]) {
      const location = `file:${folder}${place}`;
      const metadataLocation = `${location}/metadata/00001-x.metadata.json`;
      await withCatalog({ t: { location, metadataLocation, of } }, async (uri) => {
        const { status, said } = await clean(world, uri);
        strictEqual(status, 1);
        match(said, /(lies in|holds|is) that of the lake's (raw\/events|checkpoints)\//, place);
      });
      deepStrictEqual(filesBelow(folder), before);
    }
  }));

Deno.test("tables that a catalog puts into one place, or one into the other, lose no file of each other", () =>
  withStranger(async (world, folder) => {
    const events = await world.events(2);
    const other = await world.lake.append(
      await world.lake.create("lab.other", events.metadata.schemas[0]!.fields),
      eventRows(1, 3),
    );
    const shown = (of: LoadedTable, location = of.metadata.location): ShownTable => {
      return { of, location, metadataLocation: of.metadataLocation };
    };
    await Deno.symlink(`${world.lake.folder}/warehouse/bronze/events`, `${folder}/link`);
    for (const path of filesBelow(world.lake.folder)) await age(path);
    const before = filesBelow(world.lake.folder);
    const second = {
      "is that of": events.metadata.location.replace("file://", "file:").replace("bronze", "lab/../bronze"),
      "lies in that of": `file://${world.lake.folder}/warehouse/bronze`,
      "holds that of": `${events.metadata.location}/data/inner`,
      "is that of a": `file://${folder}/link`,
    };
    for (const [says, location] of Object.entries(second)) {
      await withCatalog({ events: shown(events), other: shown(other, location) }, async (uri) => {
        const { status, said } = await clean(world, uri);
        strictEqual(status, 1);
        match(said, new RegExp(`Cannot remove orphans of a\\.events: .* ${says}`), said);
      });
      deepStrictEqual(filesBelow(world.lake.folder), before);
    }
  }));
