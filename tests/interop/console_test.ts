import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { Tokens } from "../../core/serve/tokens.ts";
import { EVENTS, LETTERS as LETTERS_LEFT, rowsOf, withLetters } from "../maintain/letters_place.ts";
import { HOSTILE_RECORD, partitionBy, useFilledLake } from "../serve/console/console_lake.ts";
import { browserTest } from "../support/browser.ts";
import { say } from "../support/say.ts";
import { ServedLake } from "../support/lake_server.ts";
import { checkPeace } from "./console_peace.ts";

const TOKEN = "0123456789abcdef0123";
const LETTERS = "/letters?table=dead_letters.events";
/** Every page, and what it shows of the filled lake. */
const pages: Record<string, RegExp> = {
  "/": /Streams, and what waits for them[\s\S]*nothing waits/,
  "/stream?target=bronze.events":
    /Batches of bronze\.events[\s\S]*commitEvents[\s\S]*Dead letters by reason[\s\S]*Upkeep/,
  "/stream?target=bronze.events&before=2": /Batches of bronze\.events[\s\S]*Newest/,
  "/files": /The newest first[\s\S]*raw\/events\/b\.json/,
  "/contract": /Contract of bronze\.events[\s\S]*user_id[\s\S]*the table was made/,
  "/tables": /dead_letters\.events/,
  "/tables?table=bronze.events":
    /Health[\s\S]*Files[\s\S]*day\(event_timestamp\)[\s\S]*Columns[\s\S]*Snapshots[\s\S]*Rows after each snapshot[\s\S]*append/,
  [LETTERS]: /corrupted_batch[\s\S]*The newest first/,
  [`${LETTERS}&file=raw/events/b.json&position=2&batch=2`]: /Where it comes from[\s\S]*raw\/events\/b\.json/,
  "/sql?q=select+event_type+from+bronze.events+order+by+all": /4 rows in/,
};

/** Pages whose address holds what would be markup. */
const hostileStates = ["/stream?target=", "/files?find=", "/contract?target=", "/tables?table=", "/letters?table="].map(
  (path) => path + encodeURIComponent(HOSTILE_RECORD),
);

browserTest(
  "every page shows the lake, in light and dark, on small and wide screens, and asks nobody else",
  (browser) =>
    useFilledLake(async (lake) => {
      for (const [path, pattern] of Object.entries(pages)) {
        await browser.look(1200, 800, "dark");
        await browser.open(lake.address + path);
        await browser.untilSeen(pattern);
        const ground = "getComputedStyle(document.body).backgroundColor";
        strictEqual(await browser.run(ground), "rgb(20, 24, 27)");
        await browser.look(360, 640, "light");
        strictEqual(await browser.run(ground), "rgb(255, 255, 255)");
        // The page itself is not wider than the screen: only its tables scroll.
        const { scrollWidth, clientWidth } = await browser.run<Record<string, number>>(
          "(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }))(document.documentElement)",
        );
        strictEqual(scrollWidth, clientWidth, path);
        deepStrictEqual(await browser.accessibilityFaults(), [], path);
        await browser.look(1200, 800, "dark");
        deepStrictEqual(await browser.accessibilityFaults(), [], `${path}, in the dark`);
      }
      checkPeace(browser, lake);
    }),
);

browserTest("what stands in events stays a text on every page", (browser) =>
  useFilledLake(async (lake) => {
    await browser.look(1200, 800);
    const sql = encodeURIComponent(
      `select *, '${HOSTILE_RECORD.replaceAll("'", "''")}' as "${HOSTILE_RECORD}" from bronze.events`,
    );
    for (const path of [...Object.keys(pages), `/sql?q=${sql}`, ...hostileStates]) {
      await browser.open(lake.address + path);
      await browser.untilSeen(pages[path] ?? /rows in|Files|Contract|Stream|Tables|Dead letters/);
      strictEqual(await browser.run("globalThis.stolen"), undefined);
      deepStrictEqual(await browser.run("document.querySelectorAll('main script, main img, main iframe').length"), 0);
    }
    await browser.open(`${lake.address}${LETTERS}&file=raw/events/b.json&position=2&batch=2`);
    const text = await browser.untilSeen(/Where it comes from/);
    ok(text.includes("<script>globalThis.stolen"), "it is shown as it was written");
    await browser.open(`${lake.address}${LETTERS}&file=raw/events/a.json&position=2&batch=1`);
    await browser.untilSeen(/Where it comes from/);
    strictEqual(await browser.run("document.querySelector('mark').textContent"), "Faulty from here: 7");
    // deno-lint-ignore no-control-regex -- controls are what this is about
    ok(!/[\x1b\u202e]/.test(text), "and nothing in it turns the text around");
    checkPeace(browser, lake);
    // Were it markup, the policy would still not let it run.
    await browser.run(`(() => {
      const script = document.createElement("script");
      try { script.textContent = "globalThis.stolen = 2"; document.body.append(script); } catch { /* refused */ }
    })()`);
    strictEqual(await browser.run("globalThis.stolen"), undefined);
  }));

browserTest(
  "the pages can be used by keyboard alone",
  (browser) =>
    useFilledLake(async (lake) => {
      await browser.look(1200, 800);
      await browser.open(`${lake.address}/`);
      await browser.untilSeen(/what waits for them/);
      await browser.press("Tab");
      strictEqual(await browser.run("document.activeElement.textContent"), "Skip to the content");
      for (const name of ["streamlab", "Streams", "Tables"]) {
        await browser.press("Tab");
        strictEqual(await browser.run("document.activeElement.textContent"), name);
      }
      await browser.press("Enter", { text: "\r" });
      await browser.untilSeen(/Tables of the lake/);
      strictEqual(await browser.run("location.pathname"), "/tables");
      strictEqual(await browser.run("document.title"), "Tables – streamlab");
      await browser.run("history.back()");
      await browser.untilSeen(/what waits for them/);
      checkPeace(browser, lake);
    }),
);

browserTest(
  "a batch is seen on the page of its stream while somebody looks",
  (browser) =>
    useFilledLake(async (lake, world) => {
      await browser.look(1200, 800);
      await browser.open(`${lake.address}/stream?target=bronze.events`);
      await browser.untilSeen(/Batches of bronze\.events/);
      await browser.run("document.querySelector('[data-key=\"batch 2\"]').focus()");
      world.put("d.json", JSON.stringify([{ user_id: "u" }]));
      await world.consume({ partitionBy });
      const committedMs = await browser.run<number>("Date.now()");
      await browser.untilTrue("document.querySelector('[data-key=\"batch 3\"]') !== null");
      const seenMs = await browser.run<number>("Date.now()");
      // Shown for whoever reads the log: how long it takes is the machine's business, too.
      say(`a batch was seen ${Math.round(seenMs - committedMs)} ms after its consumer had ended`);
      strictEqual(await browser.run("document.activeElement.dataset.key"), "batch 2", "the focus stays");
      // Another stream has a batch of that number, too.
      await browser.run("document.activeElement.click()");
      await browser.untilSeen(/Of stream bronze\.events, batch 2/);
      checkPeace(browser, lake);
    }),
);

browserTest(
  "upkeep is shown as a dry run and then done, where the console may",
  (browser) =>
    useFilledLake(async (lake) => {
      await browser.look(1200, 800);
      await browser.open(`${lake.address}/tables?table=bronze.events`);
      await browser.untilSeen(/Merge small files/);
      await browser.run("document.querySelector('[data-action=compact]').click()");
      await browser.untilSeen(/compact: this is what it would do/);
      await browser.run("document.getElementById('do-it').click()");
      await browser.untilSeen(/compact: done/);
      deepStrictEqual(await browser.accessibilityFaults(), []);
      checkPeace(browser, lake);
    }, { allowsUpkeep: true }),
);

browserTest(
  "dead letters are drawn over time, and an hour leads to its letters",
  (browser) =>
    useFilledLake(async (lake) => {
      await browser.look(360, 640);
      await browser.open(lake.address + LETTERS);
      await browser.untilSeen(/Over time[\s\S]*hour by hour[\s\S]*invalid_schema at \/user_id/);
      ok(await browser.run<number>("document.querySelectorAll('svg.bars rect:not([height=\"0\"])').length") > 0);
      await browser.run("document.querySelector('details').open = true");
      await browser.untilSeen(/Hour[\s\S]*corrupted_batch: 1/);
      deepStrictEqual(await browser.accessibilityFaults(), []);
      await browser.run("document.querySelector('details a').click()");
      await browser.untilSeen(/Letters: All, from .*T\d\d:00:00\.000Z to .*T\d\d:00:00\.000Z[\s\S]*Show all/);
      await browser.run("document.querySelector('a[href*=\"span=30d\"]').click()");
      await browser.untilSeen(/day by day/);
      match(await browser.run<string>("location.search"), /from=/);
      await browser.open(`${lake.address}${LETTERS}&from=2001-01-01&to=2001-01-02&reason=invalid_schema`);
      await browser.untilSeen(/None came in that time[\s\S]*There are none of these/);
      checkPeace(browser, lake);
    }),
);

browserTest(
  "dead letters are judged again as a dry run, then replayed by keyboard alone, and those that are left are shown",
  (browser) =>
    withLetters((place) =>
      ServedLake.use(async (lake) => {
        await browser.look(360, 640);
        await browser.open(`${lake.address}${LETTERS}&reason=extra_fields&place=%2Fcoupon`);
        await browser.untilSeen(/Judge these again/);
        await browser.run("document.getElementById('judge-again').focus()");
        await browser.press("Enter", { text: "\r" });
        await browser.untilSeen(/3 of 4 would become events, 1 would get another reason or detail\./);
        strictEqual(await browser.run("document.activeElement.id"), "judge-again", "the focus stays");
        deepStrictEqual(await browser.accessibilityFaults(), []);
        deepStrictEqual((await rowsOf(place)).events, ["1 0 1"], "nothing is changed yet");
        // The table of the dry run comes first where it scrolls.
        await browser.tabTo("replay-it");
        await browser.press("Enter", { text: "\r" });
        await browser.untilSeen(/Done: 3 of 4 became events, 1 got another reason or detail\./);
        strictEqual(await browser.run("document.activeElement.getAttribute('role')"), "status");
        deepStrictEqual(await browser.accessibilityFaults(), []);
        deepStrictEqual(await rowsOf(place), { events: EVENTS, letters: LETTERS_LEFT });
        await browser.press("Tab");
        await browser.press("Enter", { text: "\r" });
        await browser.untilSeen(/There are none of these/);
        checkPeace(browser, lake);
      }, { folder: `${place.folder}/lake`, allowsUpkeep: true })
    ),
);

browserTest(
  "letters that would stay are not replayed, and a replay that is refused says why, with whatever text in them",
  (browser) =>
    useFilledLake(async (lake, world) => {
      await browser.look(1200, 800);
      const judge = async (pattern: RegExp) => {
        await browser.open(lake.address + LETTERS);
        await browser.untilSeen(/Judge these again/);
        await browser.run("document.getElementById('judge-again').click()");
        await browser.untilSeen(pattern);
        strictEqual(await browser.run("document.getElementById('replay-it')"), null);
        deepStrictEqual(await browser.accessibilityFaults(), []);
      };
      await judge(/None of 3 would change[\s\S]*corrupted_batch/);
      world.put("d.json", JSON.stringify([{ user_id: "u" }]));
      const dedupe = { by: ["event_id"], at: "event_timestamp", withinMicros: "1000000" };
      await world.consume({ partitionBy, dedupe });
      await judge(/its batches drop repeats[\s\S]*Try again/);
      strictEqual(await browser.run("globalThis.stolen"), undefined);
      checkPeace(browser, lake);
    }, { allowsUpkeep: true }),
);

browserTest("a console that may only look says so and offers no action", (browser) =>
  useFilledLake(async (lake) => {
    await browser.open(`${lake.address}/tables?table=bronze.events`);
    await browser.untilSeen(/This console only looks/);
    strictEqual(await browser.run("document.querySelectorAll('[data-action]').length"), 0);
    await browser.open(lake.address + LETTERS);
    await browser.untilSeen(/This console only looks: with serve --allow-upkeep it can replay dead letters/);
    strictEqual(await browser.run("document.getElementById('judge-again')"), null);
  }));

browserTest(
  "a contract is compared in the page, and an answer is exported and drawn",
  (browser) =>
    useFilledLake(async (lake) => {
      await browser.look(1200, 800);
      await browser.open(`${lake.address}/contract?target=bronze.events`);
      await browser.untilSeen(/What would a changed one do/);
      await browser.run("document.getElementById('compare').click()");
      await browser.untilSeen(/The table stays as it is/);
      // A blob's text comes in its own time.
      const saved =
        "globalThis.saved = new Promise((resolve) => URL.createObjectURL = (blob) => { resolve(blob.text()); return '#'; })";
      await browser.open(
        `${lake.address}/sql?q=${encodeURIComponent("select 'a,b' as t, 1 as n union all select null, 2 order by n")}`,
      );
      await browser.untilSeen(/2 rows in/);
      await browser.run(`${saved}; document.getElementById('export').click()`);
      strictEqual(await browser.run("globalThis.saved"), 't,n\r\n"a,b",1\r\n,2\r\n');
      strictEqual(await browser.run("document.querySelectorAll('main svg.bars').length"), 1);
      await browser.open(lake.address + LETTERS);
      await browser.untilSeen(/Export these/);
      await browser.run(`${saved}; document.getElementById('export').click()`);
      await browser.untilSeen(/Exported\./);
      strictEqual((await browser.run<string>("globalThis.saved")).trimEnd().split("\n").length, 3);
      checkPeace(browser, lake);
    }),
);

browserTest("what is wrong is said where it was asked, and what is empty says so", async (browser) => {
  await browser.look(1200, 800);
  await ServedLake.use(async (lake) => {
    const empty: Record<string, RegExp> = {
      "/": /Streams, and what waits for them[\s\S]*nothing waits/,
      "/stream?target=bronze.events": /Nothing was ingested yet\.[\s\S]*There are none\.[\s\S]*None was done yet/,
      "/files": /No file was ingested yet\./,
      "/files?find=x": /The ledger has no such file\./,
      "/contract": /No stream has a contract yet/,
      "/tables": /The lake has no tables yet\./,
      "/letters": /There are none: no stream has refused a record yet\./,
    };
    for (const [path, pattern] of Object.entries(empty)) {
      await browser.open(lake.address + path);
      await browser.untilSeen(pattern);
    }
    await browser.open(`${lake.address}/sql?q=select+*+from+bronze.events`);
    await browser.untilSeen(/There is no table bronze\.events/);
    await browser.open(`${lake.address}/stream?target=no.such`);
    await browser.untilSeen(/There is no target no\.such[\s\S]*Try again/);
    await browser.open(`${lake.address}/tables?table=no.such`);
    await browser.untilSeen(/There is no table no\.such[\s\S]*Try again/);
    strictEqual(await browser.run("document.querySelectorAll('[role=alert]').length"), 1);
  });
});

browserTest(
  "a server with tokens asks for one, and keeps it out of the address",
  (browser) =>
    useFilledLake(async (lake) => {
      await browser.look(1200, 800);
      await browser.open(`${lake.address}/tables`);
      await browser.untilSeen(/asks for a token/);
      for (const token of ["wrong-token-0123456789", TOKEN]) {
        await browser.run("document.getElementById('token').focus()");
        await browser.insertText(token);
        await browser.press("Enter", { text: "\r" });
        // Who is refused is asked once more, by another form.
        if (token !== TOKEN) await browser.untilTrue("document.getElementById('token')?.value === ''");
      }
      await browser.untilSeen(/Tables of the lake/);
      ok(!browser.requests.some((url) => url.includes(TOKEN)));
      match(await browser.text(), /dead_letters\.events/);
    }, { guard: { tokens: new Tokens(TOKEN) } }),
);

browserTest(
  "the first page loads less than 200 kB, and what it shows is named for those who hear it",
  (browser) =>
    useFilledLake(async (lake) => {
      await browser.look(1200, 800);
      await browser.open(`${lake.address}/`);
      await browser.untilSeen(/what waits for them/);
      const bytes = await browser.run<number>(
        "performance.getEntriesByType('resource').reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0)",
      );
      const interactiveMs = await browser.run<number>("performance.getEntriesByName('interactive')[0].startTime");
      const shownMs = await browser.run<number>("performance.getEntriesByName('shown')[0].startTime");
      say(
        `the first page took ${bytes} bytes, could be used after ${
          Math.round(interactiveMs)
        } ms and showed the lake after ${Math.round(shownMs)} ms`,
      );
      ok(bytes > 10_000 && bytes < 200_000, `${bytes} bytes`);
      const unnamed = `[...document.querySelectorAll("a, button, input, textarea, svg, [role=region]")].filter((node) =>
      !(node.textContent.trim() || node.getAttribute("aria-label") || node.labels?.length)).length`;
      const headings = "[...document.querySelectorAll('h1, h2')].map((node) => node.tagName).join()";
      strictEqual(await browser.run(unnamed), 0);
      strictEqual(await browser.run(headings), "H1");
      strictEqual(await browser.run("document.querySelectorAll('th:not([scope])').length"), 0);
      strictEqual(await browser.run("document.querySelectorAll('a[aria-current=page]').length"), 1);
    }),
);
