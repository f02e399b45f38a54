import { deepStrictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "../../core/base/clock.ts";
import { ServedLake } from "../support/lake_server.ts";
import { storeWith } from "../support/store_with.ts";
import { someTable } from "./catalog/requests.ts";

const FAREWELL_MS = 10_000;

Deno.test("a server that is told to end waits ten seconds for what is under way, and then ends as well", async () => {
  const pauses: number[] = [], isOver = Promise.withResolvers<void>();
  const clock: Clock = {
    nowMs: () => systemClock.nowMs(),
    sleep(ms, signal) {
      pauses.push(ms);
      return ms === FAREWELL_MS ? isOver.promise : systemClock.sleep(ms, signal);
    },
  };
  const isAsked = Promise.withResolvers<void>(), mayAnswer = Promise.withResolvers<void>();
  let isHeld = false, answer: Promise<unknown> = Promise.resolve();
  await ServedLake.use(async (lake) => {
    await lake.ask("POST", "namespaces", { namespace: ["shop"] });
    await lake.ask("POST", "namespaces/shop/tables", someTable);
    isHeld = true;
    answer = lake.ask("GET", "namespaces/shop/tables/orders").catch(() => undefined);
    await isAsked.promise;
    isOver.resolve();
  }, {
    serverClock: clock,
    serves: (store) =>
      storeWith(store, {
        async *list(...args) {
          if (isHeld) {
            isAsked.resolve();
            await mayAnswer.promise;
          }
          yield* store.list(...args);
        },
      }),
  });
  deepStrictEqual(pauses.filter((ms) => ms === FAREWELL_MS), [FAREWELL_MS]);
  mayAnswer.resolve();
  await answer;
});
