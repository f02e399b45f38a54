import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { isBlank, splitExplain, splitOrderBy, splitStatements } from "../../core/query/sql_text.ts";

const splits: [string, string[], string][] = [
  ["select 1", [], "select 1"],
  ["select 1;", ["select 1"], ""],
  ["select 1; select 2", ["select 1"], " select 2"],
  [";;select 1;;", ["select 1"], ""],
  ["select ';' ; x", ["select ';'"], " x"],
  ["select 'it''s;' ; x", ["select 'it''s;'"], " x"],
  ["select E'\\';' ; x", ["select E'\\';'"], " x"],
  ["select 'a\\' ; x", ["select 'a\\'"], " x"],
  ['select "a;""b" ; x', ['select "a;""b"'], " x"],
  ["select $$;$$ ; x", ["select $$;$$"], " x"],
  ["select $a$;$$;$a$ ; x", ["select $a$;$$;$a$"], " x"],
  ["select a$1; x", ["select a$1"], " x"],
  ["select 1 -- ;\n; x", ["select 1 -- ;"], " x"],
  ["select 1 /* ; /* ; */ ; */ ; x", ["select 1 /* ; /* ; */ ; */"], " x"],
  ["select 'open ;", [], "select 'open ;"],
  ["/* open ;", [], "/* open ;"],
  ["-- only\n;", [], ""],
];

for (const [text, statements, rest] of splits) {
  Deno.test(`statements end where DuckDB ends them: ${JSON.stringify(text)}`, () => {
    deepStrictEqual(splitStatements(text), { statements, rest });
  });
}

Deno.test("spaces and comments are blank, anything else is not", () => {
  for (const text of ["", " \n\t", "-- x", "/* x */ -- y\n"]) strictEqual(isBlank(text), true, text);
  for (const text of ["1", "'", "-- x\n1", "/**/a"]) strictEqual(isBlank(text), false, text);
});

const explains: [string, string][] = [
  ["select 1", "select 1"],
  ["explain select 1", "select 1"],
  ["EXPLAIN ANALYZE select 1", "select 1"],
  ["explain (analyze, format json) select 1", "select 1"],
  ["explain (format json)\n(select 1)", "(select 1)"],
  ["explain (select 1)", "(select 1)"],
  ["/* a */ explain -- b\n analyze /* c */ copy x to 'y'", "copy x to 'y'"],
  ["explained", "explained"],
  ["explain explain select 1", "explain select 1"],
];

for (const [text, statement] of explains) {
  Deno.test(`what is explained is found: ${JSON.stringify(text)}`, () => {
    strictEqual(splitExplain(text).statement, statement);
    strictEqual(splitExplain(text).prefix !== "", text.trim() !== statement);
  });
}

const orderings: [string, string[] | undefined, string][] = [
  ["select 1", undefined, ""],
  ["select 1 order by a", ["a"], ""],
  ["select (select 1 order by a) order /* x */ By b desc, f(c, 'd,e')  -- z", ["b desc", "f(c, 'd,e')"], ""],
  ["select row_number() over (order by a) from t", undefined, ""],
  ["select order_by, t.order from t order by a nulls first limit 3", ["a nulls first"], "limit 3"],
  ['select 1 order by "limit", [1, 2], {a: 1, b: 2} offset 1', ['"limit"', "[1, 2]", "{a: 1, b: 2}"], "offset 1"],
  ["with t as (select 1 order by 1) select * from t order by all", ["all"], ""],
];

for (const [sql, items, after] of orderings) {
  Deno.test(`the order of a statement itself: ${sql}`, () => {
    const parts = splitOrderBy(sql);
    deepStrictEqual(parts?.items, items);
    if (parts !== undefined) strictEqual(parts.after, after);
  });
}
