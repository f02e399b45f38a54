import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { sha256 } from "../../core/base/sha256.ts";
import { isLibrary as isLibraryAt } from "../../core/engine/library_check.ts";
import { inFolder } from "../support/own_folder.ts";

const ignore = Deno.build.os === "windows";

function digestOf(text: string): string {
  const hash = sha256();
  hash.update(new TextEncoder().encode(text));
  return hash.hex();
}

const DIGEST = digestOf("a library"), TROJAN_DIGEST = digestOf("a trojan!");

const clockAt = (nowMs: number) => ({ ...systemClock, nowMs: () => nowMs });

/** Long after whatever happens in a test. */
function isLibrary(path: string, digest: string): boolean {
  return isLibraryAt(path, digest, clockAt(systemClock.nowMs() + 3_600_000));
}

/** Writes a library with its mark, and returns both paths. */
function checkedLibrary(folder: string): { library: string; mark: string } {
  const library = `${folder}/libduckdb.so`, mark = `${library}.checked`;
  Deno.writeTextFileSync(library, "a library", { mode: 0o600 });
  strictEqual(isLibrary(library, DIGEST), true);
  return { library, mark };
}

/** Other bytes, with a mark that says they were right: only who is this user can make that. */
function forgedLibrary(folder: string): { library: string; mark: string } {
  const { library, mark } = checkedLibrary(folder);
  Deno.writeTextFileSync(library, "a trojan!");
  Deno.removeSync(mark);
  strictEqual(isLibrary(library, TROJAN_DIGEST), true);
  Deno.writeTextFileSync(mark, Deno.readTextFileSync(mark).replace(TROJAN_DIGEST, DIGEST));
  return { library, mark };
}

Deno.test(
  "a library is not read again while it is as it was when its bytes were right",
  { ignore },
  () =>
    inFolder((folder) => {
      const { library, mark } = forgedLibrary(folder);
      strictEqual(Deno.statSync(mark).mode! & 0o777, 0o600);
      strictEqual(isLibrary(library, DIGEST), true);
      strictEqual(isLibrary(library, digestOf("a library of the next version")), false);
    }),
);

Deno.test("a library that is not in the state of its mark is read again", { ignore }, () =>
  inFolder((folder) => {
    const { library, mark } = forgedLibrary(folder);
    const state = Deno.readTextFileSync(mark).trim().split(" ");
    const { dev, ino, size, mtime, ctime } = Deno.statSync(library);
    deepStrictEqual(state.slice(1), [dev, ino, size, mtime!.getTime(), ctime!.getTime()].map(String));
    for (const index of state.keys()) {
      Deno.writeTextFileSync(mark, `${state.with(index, "4711").join(" ")}\n`);
      strictEqual(isLibrary(library, DIGEST), false, `the mark's word ${index}`);
    }
    Deno.writeTextFileSync(mark, state.slice(0, -1).join(" "));
    strictEqual(isLibrary(library, DIGEST), false);
  }));

Deno.test(
  "a library that was changed a moment ago gets no mark: the next change could leave no trace",
  { ignore },
  () =>
    inFolder((folder) => {
      const { library, mark } = checkedLibrary(folder);
      Deno.removeSync(mark);
      const changed = Deno.statSync(library).ctime!.getTime();
      for (const [afterMs, files] of [[-1, 1], [0, 1], [2000, 1], [2001, 2]] as const) {
        strictEqual(isLibraryAt(library, DIGEST, clockAt(changed + afterMs)), true);
        strictEqual([...Deno.readDirSync(folder)].length, files, `${afterMs} ms`);
      }
    }),
);

Deno.test(
  "a mark that others could have written, or that leads elsewhere, says nothing",
  { ignore },
  () =>
    inFolder((folder) => {
      const { library, mark } = forgedLibrary(folder);
      Deno.chmodSync(mark, 0o666);
      strictEqual(isLibrary(library, DIGEST), false);
      Deno.chmodSync(mark, 0o600);
      strictEqual(isLibrary(library, DIGEST), true);
      Deno.renameSync(mark, `${folder}/elsewhere`);
      Deno.symlinkSync(`${folder}/elsewhere`, mark);
      strictEqual(isLibrary(library, DIGEST), false);
    }),
);

Deno.test("a library is right without a mark, also where none can be written", { ignore }, () =>
  inFolder((folder) => {
    const { library, mark } = checkedLibrary(folder);
    Deno.removeSync(mark);
    Deno.symlinkSync(`${folder}/nowhere`, mark);
    strictEqual(isLibrary(library, DIGEST), true);
    strictEqual(Deno.lstatSync(mark).isSymlink, true);
  }));

Deno.test(
  "a file that is not there, a folder, and what others can write to are no library",
  { ignore },
  () =>
    inFolder((folder) => {
      const { library } = checkedLibrary(folder);
      strictEqual(isLibrary(`${folder}/nothing`, DIGEST), false);
      strictEqual(isLibrary(folder, DIGEST), false);
      Deno.chmodSync(library, 0o666);
      strictEqual(isLibrary(library, DIGEST), false);
    }),
);
