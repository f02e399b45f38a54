/** Consume on lakes whose durable records an enemy has changed, or whose folders lead away. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import type { Random } from "../../core/base/random.ts";
import { SqlError } from "../../core/engine/sql_error.ts";
import { copyTree, hostileTexts, mutate, pick } from "../support/mutated_record.ts";
import { say } from "../support/say.ts";
import { withSeed } from "../support/seed.ts";
import { isThorough } from "../support/thorough.ts";
import { ConsumeWorld } from "./consume_world.ts";

const LAKES = isThorough ? 300 : 10;

/** With a plan, a routed record and an intent under way; made by commit 4edc879. */
const fixture = new URL("../lake/fixtures/format_1/lake", import.meta.url).pathname;

function filesBelow(root: string, folder = ""): string[] {
  return [...Deno.readDirSync(`${root}/${folder}`)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(root, `${folder}${name}/`) : [`${folder}${name}`]
  );
}

/** The text of every file but of those that each run writes anew. */
function contents(root: string): Map<string, string> {
  const files = filesBelow(root).filter((path) => !/(\/lock|version-hint\.text)$/.test(path));
  return new Map(files.map((path) => [path, new TextDecoder("latin1").decode(Deno.readFileSync(`${root}/${path}`))]));
}

async function consumeMutated(random: Random, counts: Record<string, number>): Promise<void> {
  await ConsumeWorld.use(async (world) => {
    const stranger = `${world.folder}/../stranger-of-${world.folder.split("/").pop()}`;
    copyTree(fixture, world.folder);
    const hostile = hostileTexts(world.folder, stranger);
    const records = filesBelow(world.folder).filter((path) => /\.json$|version-hint\.text$/.test(path))
      .filter((path) => !path.startsWith("raw/"));
    const path = pick(random, records);
    const text = mutate(Deno.readTextFileSync(`${world.folder}/${path}`), random, hostile);
    Deno.writeTextFileSync(`${world.folder}/${path}`, text);
    const before = contents(world.folder);
    for (let run = 0; run < 2; run++) {
      try {
        await world.consume();
      } catch (error) {
        const isRefusal = (error instanceof StreamlabError && error.kind !== "internal") || error instanceof SqlError;
        if (!isRefusal) throw new Error(`${path}: ${text}`, { cause: error });
        counts.refusals!++;
      }
    }
    const after = contents(world.folder);
    const lost = [...before].filter(([name, was]) => after.get(name) !== was).map(([name]) => name);
    deepStrictEqual(lost, [], `${path}: ${text}`);
    counts.lakes!++;
  });
}

Deno.test("no mutated record of a lake makes consume lose or change a file that was there", () =>
  withSeed(async (random) => {
    const counts = { lakes: 0, refusals: 0 };
    for (let run = 0; run < LAKES; run++) await consumeMutated(random, counts);
    say(`mutated records, consumed: ${JSON.stringify(counts)}, no file lost`);
  }));

Deno.test("a link in place of a consumer's scratch folder is not emptied, nor written into", () =>
  ConsumeWorld.use(async (world) => {
    const folder = await Deno.makeTempDir({ prefix: "streamlab-stranger-" });
    try {
      await Deno.writeTextFile(`${folder}/thesis.txt`, "precious");
      await Deno.mkdir(`${world.folder}/checkpoints/bronze.events`, { recursive: true });
      await Deno.symlink(folder, `${world.folder}/checkpoints/bronze.events/scratch`);
      world.put(
        "a.ndjson",
        '{"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}\n',
      );
      await world.consume();
      strictEqual(world.batches[0]!.events, 1);
      deepStrictEqual(filesBelow(folder), ["thesis.txt"]);
      strictEqual((await Deno.lstat(`${world.folder}/checkpoints/bronze.events/scratch`)).isSymlink, true);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }));
