import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../../core/base/clock.ts";
import { systemRandom } from "../../../core/base/random.ts";
import { FileCatalog } from "../../../core/iceberg/catalog/file_catalog.ts";
import { removalPath } from "../../../core/lake/layout.ts";
import { expireLater } from "../../../core/maintain/removal/expire_later.ts";
import { TABLE_ACTIONS } from "../../../core/maintain/table_actions.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import { UpkeepDesk } from "../../../core/serve/console/upkeep_desk.ts";
import { ACTIONS } from "../../../commands/maintain/actions.ts";
import type { ServedLake } from "../../support/lake_server.ts";
import { useFilledLake } from "./console_lake.ts";

const events = { namespace: ["bronze"], name: "events" };
const table = "bronze.events";

function surroundingsOf({ store }: ServedLake): Surroundings {
  const clock = systemClock, random = systemRandom;
  return { catalog: new FileCatalog({ store, clock, random }), store, clock, random };
}

async function run(lake: ServedLake, action: string, dryRun: boolean): Promise<Record<string, unknown>> {
  const body = { table, action, dryRun };
  const { status, json, text } = await lake.ask("POST", "/api/upkeep", body, { "content-type": "application/json" });
  strictEqual(status, 200, text);
  return json;
}

Deno.test("the console removes what waits for its readers to end, as the command line does", () =>
  useFilledLake(async (lake) => {
    await run(lake, "compact", false);
    const surroundings = surroundingsOf(lake);
    const loaded = await surroundings.catalog.loadTable(events);
    const { removal } = await expireLater(surroundings, loaded!, () => ({
      nowMs: systemClock.nowMs(),
      olderThanMs: 0,
      retainLast: 1,
    }));
    strictEqual(removal!.dataFiles.length, 2);
    // Readers may have begun within the last hour.
    deepStrictEqual((await run(lake, "remove-orphans", false)).waited, { files: 0, bytes: 0 });
    const longAgo = new Date(systemClock.nowMs() - 2 * 3_600_000);
    await Deno.utime(`${lake.folder}/${removalPath(removal!.id)}`, longAgo, longAgo);
    deepStrictEqual((await run(lake, "remove-orphans", true)).waited, { files: 0, bytes: 0 });
    const { waited } = await run(lake, "remove-orphans", false);
    ok((waited as { files: number }).files >= 2, JSON.stringify(waited));
    strictEqual(await lake.store.stat(removalPath(removal!.id)), undefined);
  }, { allowsUpkeep: true }));

Deno.test("what the console can do to a table is what --all asks for, in the same order", () => {
  const inAll = ACTIONS.flatMap((action) => action.kind === "table" && action.inAll ? [action.name] : []);
  deepStrictEqual(Object.keys(TABLE_ACTIONS), inAll);
  const page = Deno.readTextFileSync(new URL("../../../core/serve/console/pages/tables.js", import.meta.url));
  deepStrictEqual([...page.matchAll(/^ {2}\["([a-z-]+)", ".*"\],$/gm)].map(([, name]) => name), inAll);
});

Deno.test("work that has waited for its turn is not begun for a client who has gone meanwhile", () =>
  useFilledLake(async (lake) => {
    const machine = { temporaryFolder: lake.folder, threads: 1, memory: "256MB" };
    const desk = new UpkeepDesk(surroundingsOf(lake), machine, () => {}, () => Promise.reject());
    const client = new AbortController();
    const first = desk.run("compact", events, true, new AbortController().signal);
    const second = desk.run("rewrite-manifests", events, false, client.signal);
    client.abort();
    await Promise.all([first, rejects(second, /Cannot run rewrite-manifests on bronze\.events: the client has gone/)]);
    const third = await desk.run("rewrite-manifests", events, true, new AbortController().signal);
    strictEqual((third as { before: number }).before, 2, "the manifests are as they were");
  }));
