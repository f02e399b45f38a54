import { fileLinesMax, functionLinesMax, longer, proseWidthMax, sparseObjects, terminals } from "./rules.ts";

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

const root = new URL("../../", import.meta.url).pathname;

/** What a message counts; a word or two may stand before it. */
const PLURAL_NOUN =
  "(?: (?:of|the|other|more|dead|data|delete|orphan|unfinished)){0,2} (files|records|events|letters|" +
  "snapshots|rows|batches|tables|bytes|objects|manifests|columns|partitions|intents|discrepancies|times|writes|" +
  "rewrites|fields|values|versions|others|requests|orphans|entries|plans|lines|attempts|seconds|minutes|days)\\b";
const COUNTED_NOUN = new RegExp(`^${PLURAL_NOUN}`);
const COUNTED_IN_SQL = new RegExp(`\\|\\| '${PLURAL_NOUN}`);

/**
 * House rules that show where the code is written: `deno lint` runs them beside its own, and a test
 * over the whole tree.
 */
const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    "function-length": {
      create(context) {
        const check = (node: FunctionNode) => {
          const lines = context.sourceCode.text.slice(...node.range).split("\n").length;
          const name = `${pathOf(context)}:${functionName(node)}`;
          if (lines > functionLinesMax && !(name in longer)) {
            context.report({
              node,
              message: `${functionName(node)} has ${lines} lines, the limit is ${functionLinesMax}`,
            });
          }
        };
        return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
      },
    },
    "file-length": {
      create: (context) => ({
        Program(node) {
          const lines = context.sourceCode.text.split("\n").length - 1;
          if (lines <= fileLinesMax || pathOf(context) in longer) return;
          context.report({ node, message: `the file has ${lines} lines, the limit is ${fileLinesMax}` });
        },
      }),
    },
    "private-members": {
      create(context) {
        const report = (node: Deno.lint.Node) =>
          context.report({ node, message: "private members are #names, and fields are declared in the class" });
        return {
          PropertyDefinition(node) {
            if (node.accessibility !== undefined) report(node);
          },
          MethodDefinition(node) {
            if (node.accessibility !== undefined && node.kind !== "constructor") report(node);
          },
          TSParameterProperty: report,
        };
      },
    },
    "constants": {
      create(context) {
        if (pathOf(context).startsWith("tests/")) return {};
        const capital = new Set<string>();
        return {
          "Program > VariableDeclaration[kind=const] > VariableDeclarator, Program > ExportNamedDeclaration > VariableDeclaration[kind=const] > VariableDeclarator"(
            node: Deno.lint.VariableDeclarator,
          ) {
            if (node.id.type !== "Identifier" || node.init === null || !isLiteral(node.init, capital)) return;
            capital.add(node.id.name);
            if (!/^[A-Z][A-Z0-9_]*$/.test(node.id.name)) {
              context.report({ node, message: `${node.id.name} is a constant: UPPER_SNAKE` });
            }
          },
        };
      },
    },
    "counted-nouns": {
      create(context) {
        if (!/^(core\/|commands\/|main\.ts$)/.test(pathOf(context))) return {};
        return {
          TemplateLiteral(node) {
            for (const [index, expression] of node.expressions.entries()) {
              const noun = COUNTED_NOUN.exec(node.quasis[index + 1]!.raw)?.[1];
              if (noun === undefined || isLimit(expression)) continue;
              context.report({ node, message: `counted() writes a count of ${noun}: "1 file", "2 files"` });
            }
          },
          "Literal, TemplateElement"(node: Deno.lint.Node) {
            const noun = COUNTED_IN_SQL.exec(context.sourceCode.getText(node))?.[1];
            if (noun !== undefined) context.report({ node, message: `the macro counted writes a count of ${noun}` });
          },
        };
      },
    },
    "comment-width": {
      create: (context) => ({
        Program(node) {
          const lines = context.sourceCode.text.split("\n");
          for (const [index, line] of lines.entries()) {
            if (line.length > proseWidthMax && /^\s*(\/\/|\/?\*\*? )/.test(line) && !/https?:|deno-lint/.test(line)) {
              context.report({
                node,
                message: `line ${index + 1}: a comment has ${line.length} columns, the limit is 100`,
              });
            }
          }
        },
      }),
    },
    "time-and-chance": {
      create(context) {
        if (!/^(core|commands)\//.test(pathOf(context)) || pathOf(context).startsWith("core/base/")) return {};
        // It runs in browsers, which have their own time.
        if (pathOf(context).startsWith("core/serve/console/pages/")) return {};
        const message = "time and chance are arguments; core/base makes them";
        return {
          MemberExpression(node) {
            if (timeAndChance.has(context.sourceCode.getText(node))) context.report({ node, message });
          },
          NewExpression(node) {
            if (nameOf(node.callee) === "Date" && node.arguments.length === 0) context.report({ node, message });
          },
          CallExpression(node) {
            if (/^set(Timeout|Interval)$/.test(nameOf(node.callee) ?? "")) context.report({ node, message });
          },
        };
      },
    },
    "printing": {
      create(context) {
        const path = pathOf(context);
        if (!/^(core\/|commands\/|main\.ts$)/.test(path) || path in terminals) return {};
        const message = path.startsWith("core/")
          ? "the core never prints; commands/ does"
          : "only the streams of the context are written to, which escape what a terminal would obey";
        return {
          MemberExpression(node) {
            const text = context.sourceCode.getText(node);
            if (/^(console\.\w+|(Deno|process)\.std(in|out|err))$/.test(text)) context.report({ node, message });
          },
          "Literal, TemplateElement"(node: Deno.lint.Node) {
            // deno-lint-ignore no-control-regex -- a control character is what this looks for
            if (/\x1b|\\x1b|\\u001b/i.test(context.sourceCode.getText(node))) {
              context.report({ node, message: "escape sequences are written by output_stream.ts only" });
            }
          },
        };
      },
    },
    "file-access": {
      create(context) {
        if (!/^core\/(?!storage\/|disk\/|engine\/)/.test(pathOf(context))) return {};
        return {
          MemberExpression(node) {
            if (fileAccess.test(context.sourceCode.getText(node))) {
              context.report({ node, message: "files are reached through core/storage, scratch through core/disk" });
            }
          },
        };
      },
    },
    "optional-properties": {
      create(context) {
        const path = pathOf(context);
        if (path.startsWith("tests/") || path in sparseObjects) return {};
        const isEmpty = (node: Deno.lint.Node) => node.type === "ObjectExpression" && node.properties.length === 0;
        const message = "an optional property is written as { x }, undefined or not";
        return {
          "ObjectExpression > SpreadElement"(node: Deno.lint.SpreadElement) {
            const { argument } = node;
            const isChoice = argument.type === "ConditionalExpression" &&
              (isEmpty(argument.consequent) || isEmpty(argument.alternate));
            const isCondition = argument.type === "LogicalExpression" && argument.operator === "&&";
            if (isChoice || isCondition) context.report({ node, message });
          },
        };
      },
    },
    "hexadecimal": {
      create: (context) => ({
        CallExpression(node) {
          if (/\.toString\(16\)\.padStart\(2\b[^)]*\)$/.test(context.sourceCode.getText(node))) {
            context.report({ node, message: "bytes become hexadecimal by toHex()" });
          }
        },
      }),
    },
    "whole-writes": {
      create(context) {
        if (pathOf(context) === "core/disk/file_bytes.ts") return {};
        return {
          AssignmentExpression(node) {
            if (
              /^\w+ (\+= |= \w+\.subarray\()(await )?[\w.#]+\.(write|read)(Sync)?\(/.test(
                context.sourceCode.getText(node),
              )
            ) {
              context.report({
                node,
                message: "core/disk/file_bytes.ts writes all bytes, and reads as many as there are",
              });
            }
          },
        };
      },
    },
    "error-kind": {
      create(context) {
        if (!/^(core\/(?!base\/)|commands\/|main\.ts)/.test(pathOf(context))) return {};
        return {
          LogicalExpression(node) {
            const text = context.sourceCode.getText(node);
            if (/^!?\(?(\w+) instanceof StreamlabError\)? (&&|\|\|) \(?\1\.kind [!=]==/.test(text)) {
              context.report({ node, message: "isKind(error, …) asks for an error's kind" });
            }
          },
        };
      },
    },
    "deletion": {
      create(context) {
        const path = pathOf(context);
        if (!/^(core\/|commands\/|main\.ts)/.test(path)) return {};
        const message =
          "what is ours to delete is decided in core/storage/deletion.ts, on this disk in core/disk/removal.ts";
        return {
          MemberExpression(node) {
            const text = context.sourceCode.getText(node);
            const isRemoval = /^Deno\.remove/.test(text) && !removers.has(path);
            const isDeletion = /[.?](deletePaths|discardUnfinished)$/.test(text) && !deleters.has(path);
            if (isRemoval || isDeletion) context.report({ node, message });
          },
          VariableDeclarator(node) {
            const { init, id } = node;
            if (id.type === "ObjectPattern" && init && nameOf(init) === "Deno") context.report({ node, message });
          },
          ImportDeclaration(node) {
            if (/^(node:)?fs(\/promises)?$/.test(node.source.value)) context.report({ node, message });
          },
        };
      },
    },
  },
};

export default plugin;

const timeAndChance = new Set([
  "Date.now",
  "Math.random",
  "performance.now",
  "crypto.randomUUID",
  "crypto.getRandomValues",
]);

/** Who may remove files of this disk. */
const removers = new Set(["core/disk/removal.ts", "core/storage/local/local_store.ts"]);

/** Who may call a store's own deletion: the one that decides, and the stores themselves. */
const deleters = new Set([
  "core/storage/deletion.ts",
  "core/storage/local/local_store.ts",
  "core/storage/s3/s3_store.ts",
  "core/storage/cache/cached_store.ts",
  "core/storage/overlay/overlay_store.ts",
]);

const fileAccess =
  /^Deno\.(open|create|read|write|stat|lstat|mkdir|remove|rename|link|symlink|copyFile|truncate|makeTemp|realPath|chmod|utime|watchFs)/;

function pathOf(context: Deno.lint.RuleContext): string {
  return context.filename.startsWith(root) ? context.filename.slice(root.length) : context.filename;
}

function nameOf(node: Deno.lint.Node): string | undefined {
  return node.type === "Identifier" ? node.name : undefined;
}

/** The function's name, or the one of what it is assigned to. */
function functionName(node: FunctionNode): string {
  if (node.type !== "ArrowFunctionExpression" && node.id) return node.id.name;
  const { parent } = node;
  if (parent.type === "VariableDeclarator") return nameOf(parent.id) ?? "a function";
  if (parent.type === "MethodDefinition" || parent.type === "Property") return nameOf(parent.key) ?? "a method";
  if (parent.type === "CallExpression") {
    const [first] = parent.arguments;
    if (first?.type === "Literal" && typeof first.value === "string") return `"${first.value}"`;
  }
  return "a function";
}

/** Limits are more than one. */
function isLimit(node: Deno.lint.Node): boolean {
  return /(?:(?:^|_)(?:MAX|MIN)|M(?:ax|in))$/.test(nameOf(node) ?? "");
}

/** Written down as it is: a number, text, pattern, or a list, object, Set or Map of such. */
function isLiteral(node: Deno.lint.Node, constants: ReadonlySet<string>): boolean {
  const is = (inner: Deno.lint.Node) => isLiteral(inner, constants);
  switch (node.type) {
    case "Literal":
      return true;
    case "Identifier":
      return /^(undefined|Infinity|NaN|[A-Z][A-Z0-9_]*)$/.test(node.name) || constants.has(node.name);
    case "UnaryExpression":
      return is(node.argument);
    case "BinaryExpression":
      return is(node.left) && is(node.right);
    case "TSAsExpression":
    case "TSSatisfiesExpression":
      return is(node.expression);
    case "TemplateLiteral":
      return node.expressions.every(is);
    case "ArrayExpression":
      return node.elements.length > 0 && node.elements.every(is);
    case "ObjectExpression":
      return node.properties.length > 0 && node.properties.every((each) => each.type === "Property" && is(each.value));
    case "NewExpression":
      return /^(Set|Map)$/.test(nameOf(node.callee) ?? "") && node.arguments.length === 1 && is(node.arguments[0]!);
    default:
      return false;
  }
}
