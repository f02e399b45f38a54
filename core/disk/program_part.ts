/** Where the build puts what a compiled program holds besides its code (tools/build.ts). */
const PARTS = new URL("../../dist/parts/", import.meta.url);

/** A part that the build made: within a compiled program alone. */
export function builtPart(name: string): URL {
  return new URL(name, PARTS);
}

/** A file that belongs to the program: beside its source, or within what `deno compile` made. */
export function readProgramPart(url: URL): Uint8Array<ArrayBuffer> {
  // Only under a name that says nothing may it go in: a module would be linked to what it imports.
  return Deno.readFileSync(Deno.build.standalone ? builtPart(`${url.pathname.split("/").at(-1)}.part`) : url);
}
