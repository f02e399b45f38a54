import { isAbsolute, resolve } from "node:path";
import { messageOf, StreamlabError } from "../base/errors.ts";

/** Files that one pattern may mean. */
const FILES_MAX = 10_000;

/** A folder of this machine below which files may be read, and nowhere else. */
export class FileRoot {
  /** Without symbolic links in it. */
  readonly #folder: string;
  /** As it was named. */
  readonly #name: string;

  private constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  static async open(name: string): Promise<FileRoot> {
    const folder = await Deno.realPath(name).catch(() => undefined);
    if (folder !== undefined && (await Deno.stat(folder)).isDirectory) return new FileRoot(folder, name);
    throw new StreamlabError(
      "not-found",
      `Cannot read files below ${name}: ${folder === undefined ? "there is no such folder" : "it is no folder"}`,
      { hint: "Name a folder that exists with --file-root" },
    );
  }

  /**
   * The files that a path or a pattern means (`*`, `?` and `[…]` within a name, `**` for folders),
   * by their real paths. Fails with `usage` where one is outside, wherever links lead.
   */
  async find(pattern: string): Promise<string[]> {
    const path = isAbsolute(pattern) ? resolve(pattern) : resolve(this.#folder, pattern);
    const found = /[*?[]/.test(pattern) && !await exists(path) ? await this.#matches(path) : [path];
    const files: string[] = [];
    for (const each of found) files.push(await this.#checked(each, pattern));
    if (files.length > 0) return [...new Set(files)].sort();
    throw new StreamlabError("not-found", `Cannot read "${pattern}": no file below ${this.#name} matches it`);
  }

  async #checked(path: string, pattern: string): Promise<string> {
    const outside = new StreamlabError("usage", `Cannot read "${pattern}": it leads out of ${this.#name}`, {
      hint: "--file-root names the folder below which files can be read",
    });
    // Nothing is told of what is outside, not even whether it is there.
    if (!this.#isInside(path)) throw outside;
    let real: string;
    try {
      real = await Deno.realPath(path);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw unreadable(pattern, messageOf(cause));
      throw new StreamlabError("not-found", `Cannot read "${pattern}": there is no such file below ${this.#name}`);
    }
    if (!this.#isInside(real)) throw outside;
    if (!(await Deno.stat(real)).isFile) throw unreadable(pattern, "it is no file");
    return real;
  }

  #isInside(path: string): boolean {
    return path.startsWith(this.#folder.endsWith("/") ? this.#folder : `${this.#folder}/`);
  }

  /** Links to folders are not followed. */
  async #matches(pattern: string): Promise<string[]> {
    const wanted = patternOf(pattern);
    const found: string[] = [];
    const folders = [this.#folder];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for await (const { name, isDirectory } of Deno.readDir(folder)) {
        const path = `${folder === "/" ? "" : folder}/${name}`;
        if (isDirectory) folders.push(path);
        else if (wanted.test(path)) found.push(path);
        if (found.length > FILES_MAX) throw unreadable(pattern, `more than ${FILES_MAX} files match it`);
      }
    }
    return found;
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

function unreadable(pattern: string, why: string): StreamlabError {
  return new StreamlabError("usage", `Cannot read "${pattern}": ${why}`, { hint: "Name files that can be read" });
}

/** Hidden names are matched only where the pattern writes their dot. */
function patternOf(pattern: string): RegExp {
  const parts = pattern.split("/").slice(1).map((part) => {
    if (part === "**") return "(?:/[^./][^/]*)*";
    const text = part.replace(/\[!?[^\]]+\]|[*?]|[.+^${}()|[\]\\]/g, (token) => {
      if (token === "*") return "[^/]*";
      if (token === "?") return "[^/]";
      if (token.length === 1) return `\\${token}`;
      return token.replace("[!", "[^").replaceAll("\\", "\\\\");
    });
    return /^[*?[]/.test(part) ? `/(?!\\.)${text}` : `/${text}`;
  });
  return new RegExp(`^${parts.join("")}$`, "u");
}
