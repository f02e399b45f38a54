/** A file that belongs to the program: beside its source, or within what `deno compile` made. */
export function readProgramPart(url: URL): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(url);
}
