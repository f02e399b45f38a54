import type avro from "avsc";
import types from "avsc/lib/types.js";

interface AvscTypes {
  Type: typeof avro.Type;
  builtins: typeof avro.types;
}

/**
 * Of avsc only the types: its files, streams and services take longer to load than all of a small
 * batch's commits.
 */
const { Type, builtins } = types as AvscTypes;
export { builtins, Type };
