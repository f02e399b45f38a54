import { deepStrictEqual } from "node:assert/strict";

const module = new URL("../../core/base/stray_rejection.ts", import.meta.url);

/** What a process says that lives through a rejection with each of the reasons, and its status. */
async function livesThrough(reason: string): Promise<[string, number]> {
  const script = `
    import { isHarmlessStray, surviveStray } from ${JSON.stringify(module.href)};
    // As main.ts does: first, and with an end of its own for what nothing knows.
    addEventListener("unhandledrejection", (event) => {
      if (isHarmlessStray(event.reason)) return event.preventDefault();
      console.log("unknown");
      Deno.exit(3);
    });
    surviveStray((reason) => reason === "told elsewhere");
    surviveStray((reason) => reason === "told twice" || reason === "the last one");
    const isTold = new Promise((resolve) =>
      addEventListener("unhandledrejection", ({ reason }) => reason === "the last one" && resolve())
    );
    Promise.reject(${JSON.stringify(reason)});
    // They are told in their order: after this one the other has been.
    Promise.reject("the last one");
    await isTold;
    console.log("lives");`;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), { args: ["eval", script] }).output();
  return [new TextDecoder().decode(stdout), code];
}

Deno.test("a rejection that nothing holds ends the process unless its reason is known to be harmless", async () => {
  deepStrictEqual(await livesThrough("told elsewhere"), ["lives\n", 0]);
  deepStrictEqual(await livesThrough("told twice"), ["lives\n", 0]);
  deepStrictEqual(await livesThrough("new"), ["unknown\n", 3]);
});
