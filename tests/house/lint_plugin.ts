import { fileLinesMax, functionLinesMax, longer } from "./rules.ts";

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

const root = new URL("../../", import.meta.url).pathname;

/** House rules that show where the code is written: `deno lint` runs them beside its own, and a test over the whole tree. */
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
    "time-and-chance": {
      create(context) {
        if (!/^(core|commands)\//.test(pathOf(context)) || pathOf(context).startsWith("core/base/")) return {};
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
        if (!pathOf(context).startsWith("core/")) return {};
        return {
          MemberExpression(node) {
            if (/^(console\.\w+|(Deno|process)\.std(in|out|err))$/.test(context.sourceCode.getText(node))) {
              context.report({ node, message: "the core never prints; commands/ does" });
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
