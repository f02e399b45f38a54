import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { inFolder } from "../support/own_folder.ts";
import { streamlab } from "./program.ts";

/** Only a compiled program brings DuckDB's library with it. */
const isCompiled = Deno.env.get("STREAMLAB_BIN") !== undefined && Deno.build.os !== "windows";

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

async function answers(folder: string, env: Record<string, string>): Promise<void> {
  const sql = ["query", "--format", "csv", "SELECT 6 * 7 AS answer"];
  Deno.mkdirSync(`${folder}/lake/raw`, { recursive: true });
  const { status, stdout, stderr } = await streamlab(folder, sql, { env });
  deepStrictEqual([status, stderr, stdout.trim().split("\n").at(-1)], [0, "", "42"]);
}

Deno.test("DuckDB's library is unpacked to a folder of the user, checked, and mended", {
  ignore: !isCompiled,
}, () =>
  inFolder(async (folder) => {
    const cache = `${folder}/cache`, temporary = `${folder}/tmp`;
    Deno.mkdirSync(temporary);
    const env = { XDG_CACHE_HOME: cache, TMPDIR: temporary };
    await answers(folder, env);
    const [name] = namesIn(`${cache}/streamlab`);
    const library = `${cache}/streamlab/${name}/libduckdb.so`;
    const { size, ino, mode } = Deno.statSync(library);
    strictEqual(mode! & 0o777, 0o600);
    strictEqual(Deno.statSync(`${cache}/streamlab/${name}`).mode! & 0o777, 0o700);
    await answers(folder, env);
    strictEqual(Deno.statSync(library).ino, ino);
    // One byte of millions.
    const bytes = Deno.readFileSync(library);
    bytes[size >> 1]! ^= 1;
    Deno.writeFileSync(library, bytes);
    await answers(folder, env);
    Deno.truncateSync(library, size >> 1);
    await answers(folder, env);
    strictEqual(Deno.statSync(library).size, size);
    deepStrictEqual(namesIn(temporary), []);
  }));

Deno.test("what others can write to, or lead elsewhere, is not loaded: a folder of this run serves instead", {
  ignore: !isCompiled,
}, () =>
  inFolder(async (folder) => {
    const cache = `${folder}/cache`, temporary = `${folder}/tmp`;
    Deno.mkdirSync(temporary);
    Deno.chmodSync(temporary, 0o1777);
    const env = { XDG_CACHE_HOME: cache, HOME: "/dev/null", TMPDIR: temporary };
    await answers(folder, { ...env, XDG_CACHE_HOME: cache });
    const [name] = namesIn(`${cache}/streamlab`);
    const planted = `${cache}/streamlab/${name}/libduckdb.so`;
    Deno.writeTextFileSync(planted, "not a library: its loading would fail");
    for (const path of [planted, `${cache}/streamlab/${name}`, `${cache}/streamlab`, cache]) {
      Deno.chmodSync(path, 0o777);
      if (path !== planted) {
        await answers(folder, env);
        strictEqual(Deno.readTextFileSync(planted), "not a library: its loading would fail", path);
      }
      Deno.chmodSync(path, 0o700);
    }
    // A link in a folder of everybody, as /tmp/streamlab could be one.
    Deno.symlinkSync(cache, `${temporary}/link`);
    await answers(folder, { ...env, XDG_CACHE_HOME: `${temporary}/link` });
    strictEqual(Deno.readTextFileSync(planted), "not a library: its loading would fail");
    deepStrictEqual(namesIn(temporary), ["link"]);
  }));
