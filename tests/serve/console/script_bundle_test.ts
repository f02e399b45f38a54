import { ok, rejects, strictEqual } from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { isKind } from "../../../core/base/errors.ts";
import { ScriptBundle } from "../../../core/serve/console/script_bundle.ts";
import { ServedLake } from "../../support/lake_server.ts";
import { inFolder } from "../../support/own_folder.ts";

Deno.test("the editor comes as one script with all that it imports, under the policy of the pages", () =>
  ServedLake.use(async (lake) => {
    const { status, text, headers } = await lake.ask("GET", "/console/sql_editor.js");
    strictEqual(status, 200, text);
    strictEqual(headers.get("content-type"), "text/javascript; charset=utf-8");
    ok(headers.get("content-security-policy")!.includes("style-src 'self';"));
    ok(!/["'](?:@codemirror|@lezer|npm:)/.test(text), "nothing else is imported");
    ok(/export\{\w+ as SqlEditor\}/.test(text));
    ok(text.length < 400_000, `${text.length} letters`);
  }));

Deno.test("a script that cannot be bundled is told of with the reason, and tried again when it is asked for again", () =>
  inFolder(async (folder) => {
    const path = `${folder}/page.js`;
    const bundle = new ScriptBundle(pathToFileURL(path));
    await rejects(
      bundle.read(),
      (error) => isKind(error, "unavailable") && /Cannot bundle page\.js/.test(String(error)),
    );
    await Deno.writeTextFile(path, "export const one = 1;\n");
    const script = await bundle.read();
    ok(/export\{\w+ as one\}/.test(new TextDecoder().decode(script)));
    strictEqual(await bundle.read(), script);
  }));
