import type { ErrorKind } from "../../core/base/errors.ts";
import { readSource, root, sourceFiles } from "../house/source_tree.ts";

/** A text of the program that is made for people, where it stands in the code. */
export interface MessageTemplate {
  place: string;
  /** The pieces between what is filled in. */
  pieces: string[];
}

/** What makes an error or prints; the texts in their arguments are messages. */
const MAKERS = /^(StreamlabError|printNote|printResult|startProgress|usage|refuse|refusal|describe|conflict|corrupt)$/;

/**
 * Every text that the code of the program gives to an error, a hint, a note, a result or a progress
 * line, read from its syntax trees.
 */
export async function messageTemplates(): Promise<MessageTemplate[]> {
  const found: MessageTemplate[] = [];
  for (const path of (await sourceFiles()).filter((path) => /^(core|commands)\//.test(path))) {
    const source = await readSource(path);
    Deno.lint.runPlugin(collector(path, found), `${root}${path}`, source);
  }
  return found;
}

function collector(path: string, found: MessageTemplate[]): Deno.lint.Plugin {
  const create = (context: Deno.lint.RuleContext): Deno.lint.LintVisitor => {
    const take = (node: Deno.lint.NewExpression | Deno.lint.CallExpression) => {
      if (node.callee.type !== "Identifier" || !MAKERS.test(node.callee.name)) return;
      const place = `${path}:${context.sourceCode.text.slice(0, node.range[0]).split("\n").length}`;
      for (const argument of node.arguments) for (const pieces of textsOf(argument)) found.push({ place, pieces });
    };
    return { NewExpression: take, CallExpression: take };
  };
  return { name: "messages", rules: { collect: { create } } };
}

/** An error that the code makes, of a kind that stands there. */
export interface ErrorTemplate {
  kind: ErrorKind;
  messages: string[][];
  hints: string[][];
}

/** Every error of the program, as its code makes it. */
export async function errorTemplates(): Promise<ErrorTemplate[]> {
  const found: ErrorTemplate[] = [];
  const create = (): Deno.lint.LintVisitor => ({
    NewExpression({ callee, arguments: [kind, message, details] }) {
      if (callee.type !== "Identifier" || callee.name !== "StreamlabError" || kind?.type !== "Literal") return;
      const hint = details?.type === "ObjectExpression" ? details.properties.find(isHint) : undefined;
      found.push({
        kind: kind.value as ErrorKind,
        messages: message === undefined ? [] : textsOf(message),
        hints: hint === undefined ? [] : textsOf(hint.value),
      });
    },
  });
  for (const path of (await sourceFiles()).filter((path) => /^(core|commands)\//.test(path))) {
    const plugin = { name: "errors", rules: { collect: { create } } };
    Deno.lint.runPlugin(plugin, `${root}${path}`, await readSource(path));
  }
  return found;
}

function isHint(property: Deno.lint.Node): property is Deno.lint.Property {
  return property.type === "Property" && property.key.type === "Identifier" && property.key.name === "hint";
}

/** The texts in an expression; a name that stands for one counts as a text of one hole. */
function textsOf(node: Deno.lint.Node): string[][] {
  switch (node.type) {
    case "Literal":
      return typeof node.value === "string" ? [[node.value]] : [];
    case "TemplateLiteral":
      return [node.quasis.map(({ cooked, raw }) => cooked ?? raw)];
    case "BinaryExpression":
      return combined(textsOf(node.left), textsOf(node.right));
    case "ConditionalExpression":
      return [...textsOf(node.consequent), ...textsOf(node.alternate)];
    case "LogicalExpression":
      return [...textsOf(node.left), ...textsOf(node.right)];
    case "ObjectExpression":
      return node.properties.flatMap((property) => property.type === "Property" ? textsOf(property.value) : []);
    case "Identifier":
    case "MemberExpression":
    case "CallExpression":
      return [["", ""]];
    default:
      return [];
  }
}

/** Texts that are put together with `+`. */
function combined(left: string[][], right: string[][]): string[][] {
  return left.flatMap((start) => right.map((end) => [...start.slice(0, -1), start.at(-1)! + end[0]!, ...end.slice(1)]));
}
