import { deepStrictEqual, match, strictEqual, throws } from "node:assert/strict";
import { parseContract, parseContractDocument } from "../../core/contract/json_schema.ts";

/** The fields of `c.json` with these properties, in a folder of these files. */
function fieldsOf(files: Record<string, unknown>, properties: Record<string, unknown>, rest = {}): [string, string][] {
  const text = JSON.stringify({ type: "object", properties, ...rest });
  const read = (path: string) => {
    const file = files[path];
    return file === undefined || typeof file === "string" ? file as string | undefined : JSON.stringify(file);
  };
  const { contract } = parseContractDocument(text, { folder: { file: "c.json", read } });
  // A contract goes on without the files that it was made of.
  deepStrictEqual(parseContract(contract.text).fields, contract.fields);
  return contract.fields.map(({ name, type }) => [name, type.kind]);
}

const whole = { type: "integer" };

Deno.test("a reference leads into a file of the contract's folder, which may refer further", () => {
  const files = {
    "common.json": { definitions: { id: whole, at: { $ref: "deep/times.json#/$defs/at" } } },
    "deep/times.json": { $defs: { at: { $ref: "own.json#at" } } },
    "deep/own.json": { $defs: { x: { $anchor: "at", type: "string", format: "date-time" } } },
    "a b.json": { type: "boolean" },
  };
  deepStrictEqual(
    fieldsOf(files, {
      id: { $ref: "common.json#/definitions/id" },
      at: { $ref: "./common.json#/definitions/at" },
      flag: { $ref: "a%20b.json" },
      back: { $ref: "c.json#/properties/id" },
    }),
    [["id", "long"], ["at", "timestamptz"], ["flag", "boolean"], ["back", "long"]],
  );
});

Deno.test("a reference by an anchor leads into a file of any name, and of any URI", () => {
  const shared = { $defs: { x: { $anchor: "id", ...whole } } };
  const files = {
    "a+b@1.json": shared,
    "ö ü.json": shared,
    "own.json": { $id: "https://example.com/other/name.json", ...shared },
  };
  deepStrictEqual(
    fieldsOf(files, {
      plain: { $ref: "a+b@1.json#id" },
      encoded: { $ref: "%C3%B6%20%C3%BC.json#id" },
      own: { $ref: "own.json#id" },
      pointed: { $ref: "own.json#/$defs/x" },
    }),
    [["plain", "long"], ["encoded", "long"], ["own", "long"], ["pointed", "long"]],
  );
});

Deno.test("a file is read once, however many references lead to it, and be it broken", () => {
  for (const shared of ['{"type":"integer"}', "{"]) {
    let reads = 0;
    const read = (path: string) => path === "o.json" && ++reads > 0 ? shared : undefined;
    const properties = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`f${n}`, { $ref: "o.json" }]));
    const text = JSON.stringify({ type: "object", properties });
    try {
      parseContractDocument(text, { folder: { file: "c.json", read } });
    } catch (error) {
      match(String(error), /at o\.json#, the text is not JSON: character 2: [^;]*$/);
    }
    strictEqual(reads, 1);
  }
});

Deno.test("files that refer to each other in a circle are read once", () => {
  const files = {
    "tree.json": { type: "object", properties: { name: { type: "string" }, next: { $ref: "twig.json" } } },
    "twig.json": { type: "object", properties: { next: { $ref: "tree.json" } } },
  };
  deepStrictEqual(fieldsOf(files, { tree: { $ref: "tree.json" } }), [["tree", "struct"]]);
});

Deno.test("a URI leads to the file whose $id it is, and to one without that lies where it says", () => {
  const files = {
    "a.json": { $id: "https://other.example/a", ...whole },
    "b.json": { $id: "https://schemas.example/x/b.json", ...whole },
    "plain.json": whole,
    "d.json": { $id: "https://schemas.example/elsewhere/d.json", ...whole },
  };
  const own = { $id: "https://schemas.example/x/c.json" };
  deepStrictEqual(
    fieldsOf(files, {
      a: { $ref: "https://other.example/a" },
      b: { $ref: "b.json" },
      plain: { $ref: "https://schemas.example/x/plain.json" },
      d: { $ref: "d.json" },
    }, own),
    [["a", "long"], ["b", "long"], ["plain", "long"], ["d", "long"]],
  );
  for (const uri of ["https://schemas.example/x/d.json", "https://nowhere.example/plain.json"]) {
    throws(() => fieldsOf(files, { v: { $ref: uri } }, own), /leads out of this file, and to none of its folder$/);
  }
});

Deno.test("no reference leads above the contract's folder", () => {
  const files = new Proxy({}, {
    get: (_files, path) => String(path).includes("..") || String(path).startsWith("/") ? whole : undefined,
  });
  for (const uri of ["../up.json", "/etc/x.json", "%2e%2e/up.json", "..%2fup.json", "a/%2Fetc%2Fx", "..%5cup.json"]) {
    throws(() => fieldsOf(files, { v: { $ref: uri } }), /leads out of this file, and to none of its folder$/);
  }
});

Deno.test("each file is read by its own dialect", () => {
  const beside = { type: "object", properties: { v: { $ref: "#/definitions/v", type: "string" } } };
  const definitions = { v: whole };
  const older = { $schema: "http://json-schema.org/draft-07/schema#", ...beside, definitions };
  deepStrictEqual(fieldsOf({ "older.json": older }, { v: { $ref: "older.json#/properties/v" } }), [["v", "long"]]);
  throws(
    () => fieldsOf({ "newer.json": { ...beside, definitions } }, { v: { $ref: "newer.json#/properties/v" } }),
    /no type is left/,
  );
});

Deno.test("what is wrong in another file is said with its name", () => {
  throws(
    () => fieldsOf({ "o.json": { a: { type: "any" } } }, { v: { $ref: "o.json#/a" } }),
    /at o\.json#\/a\/type, "any" is no type$/,
  );
  throws(
    () => fieldsOf({ "o.json": "{" }, { v: { $ref: "o.json" } }),
    /at o\.json#, the text is not JSON: character 2/,
  );
  throws(
    () => fieldsOf({ "o.json": {} }, { v: { $ref: "o.json#/a" } }),
    /the reference "o.json#\/a" leads to nothing$/,
  );
  // A name that ends as the place of a file does is none.
  const alone = { type: "object", properties: { "n#": { $dynamicRef: "#x" } }, $defs: { x: { $dynamicAnchor: "x" } } };
  deepStrictEqual(parseContract(JSON.stringify(alone)).fields[0]?.type.kind, "json");
  const dynamic = { $dynamicAnchor: "n", properties: { n: { $dynamicRef: "#n" } } };
  throws(() => fieldsOf({ "o.json": dynamic }, { v: { $ref: "o.json" } }), /"\$dynamicRef" depends on the way to it/);
});
