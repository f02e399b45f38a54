// deno-lint-ignore-file no-console
/**
 * `deno task screenshots`: every page of the console in light and dark, to be looked at. The lake
 * is one such as `deno task demo` leaves.
 */
import { parseArgs } from "node:util";
import { TextLineStream } from "@std/streams/text-line-stream";
import { Browser } from "../tests/support/browser.ts";

const { values } = parseArgs({
  options: {
    source: { type: "string", default: "lake/demo" },
    output: { type: "string", default: "dist/screenshots" },
    width: { type: "string", default: "1100" },
    height: { type: "string", default: "760" },
  },
});
const main = new URL("../main.ts", import.meta.url).pathname;

/** By the name of the picture: an address, and what is there when it is whole. */
const PAGES: Record<string, readonly [path: string, shown: RegExp]> = {
  streams: ["/", /what waits for them/],
  stream: ["/stream?target=bronze.events", /Batches of/],
  letters: ["/letters", /For example/],
  letter: ["/letters", /Where it comes from/],
  tables: ["/tables", /Tables of the lake/],
  table: ["/tables?table=bronze.events", /Health/],
  files: ["/files", /The newest first/],
  contract: ["/contract", /As records have them/],
  sql: [
    `/sql?q=${
      encodeURIComponent("select event_type, count(*) as events from bronze.events group by all order by events desc")
    }`,
    /rows? in/,
  ],
};

await Deno.mkdir(values.output, { recursive: true });
const server = new Deno.Command(Deno.execPath(), {
  args: ["run", "--no-check", "--allow-all", main, "serve", "--source", values.source, "--port", "0"],
  stderr: "piped",
}).spawn();
try {
  const address = await addressOf(server.stderr);
  await Browser.use(async (browser) => {
    for (const scheme of ["light", "dark"] as const) {
      await browser.look(Number(values.width), Number(values.height), scheme);
      for (const [name, [path, shown]] of Object.entries(PAGES)) {
        await browser.open(address + path);
        if (name === "letter") await openLetter(browser);
        await browser.untilSeen(shown);
        const file = `${values.output}/${name}-${scheme}.png`;
        await Deno.writeFile(file, await browser.screenshot());
        console.log(file);
      }
    }
  });
} finally {
  server.kill("SIGTERM");
  await server.status;
}

/** Of one place in its record, which is marked. */
async function openLetter(browser: Browser): Promise<void> {
  await browser.untilSeen(/The newest first/);
  await browser.run(`[...document.querySelectorAll("a[href*='place=%2F']")][0]?.click()`);
  await browser.untilSeen(/Letters: \w+ at/);
  await browser.run(`document.querySelector("a[href*='position=']").click()`);
}

/** Where it listens, as it says by itself; what it says later goes to the terminal. */
async function addressOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const lines = stream.pipeThrough(new TextDecoderStream()).pipeThrough(
    new TextLineStream() as TransformStream<string, string>,
  ).getReader();
  for (let line = await lines.read(); !line.done; line = await lines.read()) {
    const address = /at (http:\S+) /.exec(line.value)?.[1];
    if (address === undefined) continue;
    void (async () => {
      for (let rest = await lines.read(); !rest.done; rest = await lines.read()) console.error(rest.value);
    })();
    return address;
  }
  throw new Error("streamlab serve has ended");
}
