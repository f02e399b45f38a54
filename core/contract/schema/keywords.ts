/** What stands behind a keyword, as far as reading it differs. */
export type KeywordShape =
  | "schema"
  | "schemas"
  /** Names to schemas. */
  | "named schemas"
  /** Patterns to schemas. */
  | "matched schemas"
  | "types"
  | "values"
  | "value"
  | "number"
  | "count"
  | "names"
  /** Names to lists of names. */
  | "named names"
  | "flag"
  | "pattern"
  | "text";

/**
 * The keywords that decide which values are valid (JSON Schema 2020-12, core, sections 10 and 11;
 * validation, section 6), in the order in which a normal schema has them, and our own.
 */
export const KEYWORDS: Readonly<Record<string, KeywordShape>> = {
  $ref: "text",
  type: "types",
  format: "text",
  enum: "values",
  const: "value",
  minimum: "number",
  maximum: "number",
  exclusiveMinimum: "number",
  exclusiveMaximum: "number",
  multipleOf: "number",
  minLength: "count",
  maxLength: "count",
  pattern: "pattern",
  properties: "named schemas",
  patternProperties: "matched schemas",
  additionalProperties: "schema",
  propertyNames: "schema",
  required: "names",
  minProperties: "count",
  maxProperties: "count",
  dependentRequired: "named names",
  dependentSchemas: "named schemas",
  prefixItems: "schemas",
  items: "schema",
  contains: "schema",
  minContains: "count",
  maxContains: "count",
  minItems: "count",
  maxItems: "count",
  uniqueItems: "flag",
  allOf: "schemas",
  anyOf: "schemas",
  oneOf: "schemas",
  not: "schema",
  if: "schema",
  then: "schema",
  else: "schema",
  unevaluatedProperties: "schema",
  unevaluatedItems: "schema",
  description: "text",
  "x-coerce": "flag",
  "x-column": "text",
  "x-json": "flag",
  "x-loose": "flag",
  "x-also": "schemas",
};

/** Schemas within a schema that are for the very same value. */
export const IN_PLACE: readonly string[] = [
  "allOf",
  "anyOf",
  "oneOf",
  "not",
  "if",
  "then",
  "else",
  "dependentSchemas",
];

/** Annotations that look as if they were checked or acted on: a run says once that they are not. */
export const TOLD_ANNOTATIONS: ReadonlySet<string> = new Set([
  "default",
  "readOnly",
  "writeOnly",
  "contentEncoding",
  "contentMediaType",
  "contentSchema",
]);

/**
 * Keywords that say nothing about which values are valid: JSON Schema's own, of any dialect,
 * OpenAPI's, and those by which registries, editors and generators leave notes. Whatever begins
 * with `x-` is one as well, but for ours.
 */
export const ANNOTATIONS: ReadonlySet<string> = new Set([
  ...TOLD_ANNOTATIONS,
  ...["$schema", "$id", "id", "$comment", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary"],
  ...["$defs", "definitions", "title", "examples", "deprecated"],
  // OpenAPI 3.0, "Schema Object".
  ...["example", "discriminator", "xml", "externalDocs"],
  // JSON Hyper-Schema.
  ...["base", "links", "media", "targetSchema"],
  // Snowplow's Iglu and the like.
  ...["self", "version", "$supersededBy", "$supersedes"],
  // Editors (VS Code, IntelliJ, taplo) and generators of types.
  ...["markdownDescription", "markdownEnumDescriptions", "enumDescriptions", "enumNames", "enumLabels"],
  ...["defaultSnippets", "errorMessage", "patternErrorMessage", "deprecationMessage", "suggestSortText"],
  ...["doNotSuggest", "allowTrailingCommas", "allowComments", "meta:enum", "tsType", "tsEnumNames"],
  ...[
    "tsAdditionalProperties",
    "existingJavaType",
    "javaType",
    "javaInterfaces",
    "javaName",
    "propertyOrder",
    "options",
    "order",
  ],
  ...["javaInterface", "javaAbstract", "javaLenientDeserialize"],
]);
