import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { inTurns } from "../../../core/base/event_loop.ts";
import { collectGarbage } from "../../../core/base/garbage.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { setProperties } from "../../../core/iceberg/action/set_properties.ts";
import { FileCatalog } from "../../../core/iceberg/catalog/file_catalog.ts";
import type { TableMetadata } from "../../../core/iceberg/format/table_metadata.ts";
import { Session } from "../../../core/query/sql_session.ts";
import { KeptAnswers } from "../../../core/serve/console/kept_answers.ts";
import { LimitedSession } from "../../../core/serve/console/limited_session.ts";
import { identifier, withBench } from "../../iceberg/sample_table.ts";
import { ManualClock, SteppedClock } from "../../support/manual_clock.ts";

const version = () => ({}) as TableMetadata;

/** Questions that were asked; each answer is one text of that many letters. */
function asker(letters = 1) {
  const asked: string[] = [];
  const answer = { columns: [], rows: [["x".repeat(letters)]], cut: undefined };
  const ask = (question: string) => () => (asked.push(question), Promise.resolve(answer));
  return { asked, ask };
}

Deno.test("an answer is given again for a minute, while no table of the question has changed or is missing", async () => {
  const clock = new ManualClock(), kept = new KeptAnswers(clock);
  const { asked, ask } = asker();
  const [first, second, other] = [version(), version(), version()];
  const steps = [
    { versions: [first, other], isAsked: true },
    { versions: [first, other], isAsked: false },
    { versions: [second, other], isAsked: true },
    { versions: [second, other], isAsked: false },
    { versions: [second, undefined], isAsked: true },
    { versions: [second, undefined], isAsked: true },
    { versions: [second, other], isAsked: true },
    { versions: [second, other], isAsked: false, afterMs: 59_999 },
    { versions: [second, other], isAsked: true, afterMs: 1 },
  ];
  for (const [number, { versions, isAsked, afterMs = 0 }] of steps.entries()) {
    clock.advance(afterMs);
    const before = asked.length;
    await kept.of("how many", versions, ask("how many"));
    strictEqual(asked.length - before, isAsked ? 1 : 0, `step ${number}`);
  }
});

Deno.test("answers that are kept have a bound, each and together, and what failed is asked again", async () => {
  const kept = new KeptAnswers(new ManualClock()), versions = [version()];
  const long = asker(250_000);
  for (let i = 0; i < 2; i++) await kept.of("long", versions, long.ask("long"));
  deepStrictEqual(long.asked, ["long", "long"]);
  const short = asker(150_000), names = Array.from({ length: 14 }, (_, index) => `question ${index}`);
  for (const name of names) await kept.of(name, versions, short.ask(name));
  short.asked.length = 0;
  for (const name of names.toReversed()) await kept.of(name, versions, short.ask(name));
  deepStrictEqual(short.asked, ["question 0"]);
  await rejects(kept.of("broken", versions, () => Promise.reject(new Error("no"))));
  await kept.of("broken", versions, short.ask("broken"));
  deepStrictEqual(short.asked, ["question 0", "broken"]);
});

/** Nothing is left behind before the turn is over in which somebody had it. */
async function isGone(held: WeakRef<object>): Promise<boolean> {
  await inTurns(1, 1, () => {});
  collectGarbage();
  return held.deref() === undefined;
}

Deno.test("an answer that is kept holds no version of a table that everybody else has let go", async () => {
  const kept = new KeptAnswers(new ManualClock()), { ask } = asker();
  const asked = async () => {
    const old = version();
    await kept.of("once", [old], ask("once"));
    return new WeakRef(old);
  };
  ok(await isGone(await asked()));
});

Deno.test("an answer that nobody asks for again goes within two minutes, whatever else is asked", async () => {
  const clock = new ManualClock(), kept = new KeptAnswers(clock), versions = [version()];
  const answered = async (question: string) => {
    const answer = { columns: [], rows: [["x"]], cut: undefined };
    await kept.of(question, versions, () => Promise.resolve(answer));
    return new WeakRef(answer);
  };
  const once = await answered("once");
  ok(!await isGone(once));
  clock.advance(59_999);
  await answered("meanwhile");
  clock.advance(60_000);
  await answered("later");
  ok(await isGone(once));
});

Deno.test("who asks the same about a table that has not changed costs a look for its newest version", () =>
  withBench(async (bench) => {
    const asked: string[] = [];
    const store = new Proxy(bench.store, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        return (...given: unknown[]): unknown => (asked.push(String(key)), value.apply(target, given));
      },
    });
    const clock = new SteppedClock(), random = seededRandom(4);
    const catalog = new FileCatalog({ store, clock, random, tablesKept: 1 });
    const openCatalog = () => Promise.resolve(catalog);
    const session = new Session({ openCatalog, clock, random, temporaryFolder: bench.store.root, threads: 1 });
    const limited = new LimitedSession(session, clock);
    const ask = async () => {
      asked.length = 0;
      const { rows } = await limited.askAbout(
        [identifier],
        "SELECT count(*) FROM bronze.events",
        new AbortController().signal,
      );
      return { rows, asked: [...asked] };
    };
    await bench.create();
    deepStrictEqual((await ask()).rows, [["0"]]);
    deepStrictEqual(await ask(), { rows: [["0"]], asked: ["list", "stat"] });
    await bench.commit((transaction) => transaction.add(setProperties({ changed: "true" })));
    strictEqual((await ask()).asked.includes("read"), true);
    deepStrictEqual((await ask()).asked, ["list", "stat"]);
  }));
