import { StreamlabError } from "../../base/errors.ts";
import { readProgramPart } from "../../disk/program_part.ts";

/**
 * A page's script in one piece with the packages that it imports. A compiled program has it from
 * its build; a program that runs from its source lets Deno bundle it when it is first asked for.
 */
export class ScriptBundle {
  readonly #source: URL;
  #bytes: Promise<Uint8Array<ArrayBuffer>> | undefined;

  constructor(source: URL) {
    this.#source = source;
  }

  /** One that failed is tried again: a registry may be there by then. */
  read(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#bytes ??= this.#make().catch((error) => {
      this.#bytes = undefined;
      throw error;
    });
  }

  async #make(): Promise<Uint8Array<ArrayBuffer>> {
    if (Deno.build.standalone) return readProgramPart(this.#source);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", "--minify", "--platform", "browser", this.#source.href],
      // Here it finds the versions of the packages.
      cwd: new URL("../../../", import.meta.url),
      stdin: "null",
    }).output();
    if (success) return stdout;
    const name = this.#source.pathname.split("/").at(-1);
    throw new StreamlabError(
      "unavailable",
      `Cannot bundle ${name} for the console: ${new TextDecoder().decode(stderr).trim()}`,
      { hint: "Its page goes on without. Deno gets what it needs for it from npm's registry once" },
    );
  }
}
