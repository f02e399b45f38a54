import { match, ok, strictEqual } from "node:assert/strict";
import { cacheFolder, foreignHand, makeOwnFolder, stateFolder, temporaryFolder } from "../../core/disk/ownership.ts";
import { inFolder } from "../support/own_folder.ts";

/** Files can be given to another user by root alone. */
const isRoot = Deno.uid() === 0;
const STRANGER = 54_321;

Deno.test("a folder is ours where this user and root alone can write to it and to all folders above", () =>
  inFolder((folder) => {
    const own = `${folder}/a/b/c`;
    strictEqual(makeOwnFolder(own), undefined);
    strictEqual(Deno.statSync(own).mode! & 0o777, 0o700);
    strictEqual(Deno.statSync(`${folder}/a`).mode! & 0o777, 0o700);
    strictEqual(makeOwnFolder(own), undefined);
    for (const [part, mode] of [["a", 0o777], ["a/b", 0o757], ["a/b/c", 0o777], ["a/b/c", 0o1777]] as const) {
      const path = `${folder}/${part}`;
      Deno.chmodSync(path, mode);
      match(foreignHand(own) ?? "", /^others can write to "/, `${part} ${mode.toString(8)}`);
      match(makeOwnFolder(own) ?? "", /^others can write to "/);
      Deno.chmodSync(path, 0o755);
    }
    strictEqual(foreignHand(own), undefined);
    match(makeOwnFolder("/dev/null/a/b") ?? "", /^it cannot be made/);
    match(foreignHand(`${own}/nothing`) ?? "", /^it cannot be looked at/);
  }));

Deno.test("a sticky folder, as /tmp is, may stand above ours, but no link in it", () =>
  inFolder((folder) => {
    const shared = `${folder}/shared`;
    Deno.mkdirSync(shared);
    Deno.chmodSync(shared, 0o1777);
    strictEqual(makeOwnFolder(`${shared}/own`), undefined);
    Deno.symlinkSync(`${shared}/own`, `${shared}/link`);
    match(foreignHand(`${shared}/link`) ?? "", /link" is a link in a folder that others can write to$/);
    match(makeOwnFolder(`${shared}/link/deeper`) ?? "", /is a link/);
    // Where nobody else can put one, a link is as good as a folder.
    Deno.symlinkSync(`${shared}/own`, `${folder}/link`);
    strictEqual(makeOwnFolder(`${folder}/link/deeper`), undefined);
    ok(Deno.statSync(`${shared}/own/deeper`).isDirectory);
    // What a link leads to counts, and not only its name.
    Deno.chmodSync(`${shared}/own`, 0o777);
    match(foreignHand(`${folder}/link/deeper`) ?? "", /others can write to ".*shared\/own"/);
    Deno.symlinkSync(`${folder}/round`, `${folder}/round`);
    match(foreignHand(`${folder}/round`) ?? "", /leads round in a circle/);
  }));

Deno.test("a group is others, but for the one that has its user's number", () =>
  inFolder((folder) => {
    Deno.chmodSync(folder, 0o770);
    const { gid } = Deno.statSync(folder);
    strictEqual(foreignHand(folder) === undefined, gid === Deno.uid());
  }));

Deno.test(
  "what belongs to another user is not ours, whatever its mode",
  { ignore: !isRoot },
  () =>
    inFolder((folder) => {
      makeOwnFolder(`${folder}/a/b`);
      for (const part of ["a", "a/b"]) {
        Deno.chownSync(`${folder}/${part}`, STRANGER, STRANGER);
        match(makeOwnFolder(`${folder}/a/b`) ?? "", /belongs to another user$/);
        Deno.chownSync(`${folder}/${part}`, 0, 0);
      }
      strictEqual(makeOwnFolder(`${folder}/a/b`), undefined);
    }),
);

Deno.test("places of a user come from absolute paths alone, and an empty variable is none", () => {
  const of = (variables: Record<string, string>) => (name: string) => variables[name];
  strictEqual(cacheFolder(of({})), undefined);
  strictEqual(cacheFolder(of({ XDG_CACHE_HOME: "", HOME: "/somebody" })), "/somebody/.cache");
  strictEqual(cacheFolder(of({ XDG_CACHE_HOME: "cache", HOME: "/somebody" })), "/somebody/.cache");
  strictEqual(cacheFolder(of({ XDG_CACHE_HOME: "/c", HOME: "/somebody" })), "/c");
  strictEqual(stateFolder(of({ HOME: "/somebody" })), "/somebody/.local/state");
  strictEqual(stateFolder(of({ HOME: "" })), undefined);
  strictEqual(temporaryFolder(of({ TMPDIR: "" })), "/tmp");
  strictEqual(temporaryFolder(of({ TMPDIR: "/t" })), "/t");
});
