import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { useFilledLake } from "../serve/console/console_lake.ts";
import { type Browser, browserTest } from "../support/browser.ts";
import { checkPeace } from "./console_peace.ts";

/** What the editor of questions offers. */
const OFFERS =
  "[...document.getElementById('sql').shadowRoot.querySelectorAll('[role=option]')].map((node) => node.textContent)";

function untilEditor(browser: Browser): Promise<void> {
  return browser.untilTrue("(document.getElementById('sql')?.shadowRoot ?? null) !== null");
}

/**
 * In the place of what stands in the editor. That goes first: over a selection Chromium would type
 * in the style of what was selected, which the policy refuses and the editor does not want either.
 */
async function typeQuestion(browser: Browser, sql: string): Promise<void> {
  await browser.run("document.querySelector('label').click()");
  await browser.press("a", { ctrl: true });
  await browser.press("Delete");
  await browser.insertText(sql);
}

browserTest(
  "a question is asked by keyboard alone, and a link leads to its answer",
  (browser) =>
    useFilledLake(async (lake) => {
      await browser.look(1200, 800);
      await browser.open(`${lake.address}/sql`);
      await untilEditor(browser);
      await typeQuestion(browser, "select 1 + 1 as two");
      await browser.press("Enter", { ctrl: true });
      await browser.untilSeen(/1 row in/);
      const address = await browser.run<string>("location.href");
      await browser.open("about:blank");
      await browser.open(address);
      await browser.untilSeen(/two[\s\S]*2/);
      checkPeace(browser, lake);
    }),
);

browserTest(
  "the editor of questions offers tables and columns, and keeps nobody at the keyboard in it",
  (browser) =>
    useFilledLake(async (lake) => {
      await browser.look(360, 640, "dark");
      await browser.open(`${lake.address}/sql`);
      await untilEditor(browser);
      await typeQuestion(browser, "select user_id from bronze.eve");
      await browser.press(" ", { ctrl: true });
      await browser.untilTrue(`${OFFERS}.includes("events")`);
      deepStrictEqual(await browser.accessibilityFaults(), []);
      await browser.press("Escape");
      await browser.untilTrue(`${OFFERS}.length === 0`);
      await typeQuestion(browser, "select bronze.events.user from bronze.events");
      for (const _ of " from bronze.events") await browser.press("ArrowLeft");
      await browser.press(" ", { ctrl: true });
      await browser.untilTrue(`${OFFERS}.includes("user_id")`);
      await browser.press("Escape");
      await browser.press("Tab");
      strictEqual(await browser.run("document.activeElement.id"), "run", "the Tab key leads on");
      await browser.run("document.querySelector('label').click()");
      strictEqual(await browser.run("document.activeElement.id"), "sql");
      await typeQuestion(browser, "select '\u202e' as \"turned\"");
      await browser.press("Enter", { ctrl: true });
      await browser.untilSeen(/1 row in/);
      strictEqual(await browser.run("document.getElementById('sql').shadowRoot.textContent.includes('\u202e')"), false);
      checkPeace(browser, lake);
    }),
);

browserTest(
  "where the editor cannot be had, questions are typed into a plain field",
  (browser) =>
    useFilledLake(async (lake) => {
      await browser.look(1200, 800);
      await browser.block("*/sql_editor.js");
      await browser.open(`${lake.address}/sql`);
      await browser.untilTrue(
        "performance.getEntriesByType('resource').some(({ name }) => name.endsWith('sql_editor.js'))",
      );
      strictEqual(await browser.run("document.getElementById('sql').localName"), "textarea");
      await browser.run("document.getElementById('sql').select()");
      await browser.insertText("select 1 + 1 as two");
      await browser.press("Enter", { ctrl: true });
      await browser.untilSeen(/1 row in[\s\S]*two/);
      deepStrictEqual(await browser.accessibilityFaults(), []);
      deepStrictEqual(lake.failures, []);
    }),
);
