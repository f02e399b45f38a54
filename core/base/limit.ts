/** So many things, or a part of all of them. */
export type Limit = { kind: "count"; count: number } | { kind: "percent"; percent: number };
