import { readProgramPart } from "../../disk/program_part.ts";
import { fileAnswer } from "../answer.ts";
import { ScriptBundle } from "./script_bundle.ts";

const SCRIPTS = [
  "main",
  "address",
  "api",
  "bars",
  "contract",
  "elements",
  "files",
  "json_place",
  "letter_replay",
  "letter_times",
  "letters",
  "live",
  "numbers",
  "overview",
  "pause",
  "sql",
  "stream",
  "stream_times",
  "tables",
];
/** Each is the same page, which asks for what its address names. */
const PAGES = ["/", "/stream", "/tables", "/letters", "/files", "/contract", "/sql"];

const SCRIPT_TYPE = "text/javascript; charset=utf-8";

type ConsoleFile = readonly [name: string, contentType: string];

/** By address: the name in `pages/`, and its type. Nothing else of the disk can be asked for. */
const FILES: ReadonlyMap<string, ConsoleFile> = new Map<string, ConsoleFile>([
  ...PAGES.map((path) => [path, ["index.html", "text/html; charset=utf-8"]] as const),
  ...SCRIPTS.map((name) => [`/console/${name}.js`, [`${name}.js`, SCRIPT_TYPE]] as const),
  ["/console/console.css", ["console.css", "text/css; charset=utf-8"]] as const,
  ["/console/icon.svg", ["icon.svg", "image/svg+xml"]] as const,
]);

/** It imports packages, and only the page that needs it loads it. */
const SQL_EDITOR = new ScriptBundle(new URL("./pages/sql_editor.js", import.meta.url));

/** What answers with the file of that address; undefined where there is none. */
export function consoleFile(path: string): (() => Response | Promise<Response>) | undefined {
  if (path === "/console/sql_editor.js") return async () => fileAnswer(await SQL_EDITOR.read(), SCRIPT_TYPE);
  const found = FILES.get(path);
  if (found === undefined) return undefined;
  const [name, contentType] = found;
  return () => fileAnswer(readProgramPart(new URL(`./pages/${name}`, import.meta.url)), contentType);
}
