import { deepStrictEqual } from "node:assert/strict";
import { ask, inFolder, succeed } from "./program.ts";

interface Expected {
  events: number;
  event_ids: number;
  invalid_schema: number;
  corrupted_batch: number;
}

const fixture = new URL("./fixtures/original_producer/", import.meta.url).pathname;

async function ingestTwice(files: string, expected: Expected): Promise<void> {
  await inFolder(async (folder) => {
    const raw = `${folder}/lake/raw/events`;
    await Deno.mkdir(raw, { recursive: true });
    for await (const { name } of Deno.readDir(files)) {
      if (name.endsWith(".json")) await Deno.copyFile(`${files}/${name}`, `${raw}/${name}`);
    }
    for (const run of ["first", "second"]) {
      await succeed(folder, ["consume", "--source", "local", "--once"]);
      const [counts] = await ask(
        folder,
        `select (select count(*)::int from bronze.events) as events,
           (select count(distinct event_id)::int from bronze.events) as event_ids,
           count(*) filter (_dead_letter_reason = 'invalid_schema')::int as invalid_schema,
           count(*) filter (_dead_letter_reason = 'corrupted_batch')::int as corrupted_batch
         from dead_letters.events`,
      );
      deepStrictEqual(counts, expected, `after the ${run} run`);
    }
  });
}

Deno.test("files as the original producer wrote them are counted the same after one run and after two", async () => {
  await ingestTwice(`${fixture}events`, JSON.parse(await Deno.readTextFile(`${fixture}expected.json`)) as Expected);
});

/** The 40 files that the original producer wrote; not in the repository. */
const original = Deno.env.get("STREAMLAB_ORIGINAL_DATA");

Deno.test("the original producer's own 40 files are counted as known", { ignore: original === undefined }, async () => {
  await ingestTwice(original!, { events: 1_697, event_ids: 1_564, invalid_schema: 103, corrupted_batch: 4 });
});
