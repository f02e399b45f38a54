import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { sql, SQLDialect } from "@codemirror/lang-sql";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView, highlightSpecialChars, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** What a question can be made of: the session takes no other statements. */
const DUCKDB = SQLDialect.define({
  keywords: words(
    `all and anti any as asc asof between by case cast cross cube current day days desc describe distinct else
end except exclude exists explain extract false filter first following from full group grouping having hour hours ilike in
inner intersect interval is isnull join last lateral left like limit materialized minute minutes month months natural not
notnull nulls offset on or order ordinality outer over partition pivot positional preceding qualify range recursive
replace right rollup row rows sample second seconds select semi sets show similar summarize table tables tablesample then
true try_cast unbounded union unnest unpivot using values when where window with within year years`,
  ),
  types: words(
    `bigint blob boolean date decimal double float hugeint integer json list map real smallint struct text time
timestamp timestamptz tinyint ubigint uinteger usmallint utinyint uuid varchar`,
  ),
  builtin: words(
    `arg_max arg_min array_agg avg bool_and bool_or coalesce concat contains count date_diff date_part date_trunc
dense_rank epoch_ms first_value greatest histogram if ifnull json_extract json_extract_string lag last_value lead least
len length list_contains lower max median min mode now nullif quantile_cont rank regexp_extract regexp_matches round
row_number split_part starts_with strftime string_agg substring sum time_bucket to_timestamp trim upper`,
  ),
  doubleDollarQuotedStrings: true,
});

/** The library knows them apart by a space alone. */
function words(lines) {
  return lines.replaceAll("\n", " ");
}

/** The page's own colours, light and dark. */
const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--link)", fontWeight: "600" },
  { tag: [tags.typeName, tags.standard(tags.name)], color: "var(--kind-3)" },
  { tag: tags.string, color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--kind-1)" },
  { tag: [tags.lineComment, tags.blockComment], color: "var(--quiet)", fontStyle: "italic" },
]);

const LOOK = EditorView.theme({
  "&": { color: "inherit", background: "var(--ground)", border: "1px solid var(--quiet)", borderRadius: "4px" },
  "&.cm-focused": { outline: "3px solid var(--bar)", outlineOffset: "2px" },
  ".cm-scroller": { font: "13px/1.5 ui-monospace, monospace", minHeight: "9rem", maxHeight: "24rem" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-specialChar": { color: "var(--bad)" },
  ".cm-tooltip": { color: "var(--text)", background: "var(--raised)", border: "1px solid var(--quiet)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    color: "var(--ground)",
    background: "var(--link)",
  },
});

/**
 * A field for SQL that takes the place of a text area. It lives in a shadow root: there the
 * editor's styles are sheets of a script's, which the page's policy lets in as they are.
 */
export class SqlEditor {
  host = document.createElement("div");
  #view;

  /** `run`: by Ctrl+Enter. The Tab key is nobody's here: it leads on, as from any field. */
  constructor({ text, selection, label, tables, run }) {
    const schema = Object.fromEntries(tables.map(({ table, columns }) => [table, columns]));
    const asked = () => {
      run();
      return true;
    };
    this.#view = new EditorView({
      doc: text,
      selection,
      root: this.host.attachShadow({ mode: "open" }),
      extensions: [
        keymap.of([...["Ctrl-Enter", "Mod-Enter"].map((key) => ({ key, run: asked })), ...completionKeymap]),
        history(),
        keymap.of([...historyKeymap, ...defaultKeymap]),
        sql({ dialect: DUCKDB, schema }),
        autocompletion({ icons: false }),
        highlightSpecialChars(),
        syntaxHighlighting(COLOURS),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label, autocapitalize: "off" }),
        LOOK,
      ],
    });
    this.host.id = "sql";
    this.host.shadowRoot.append(this.#view.dom);
  }

  get text() {
    return this.#view.state.doc.toString();
  }

  focus() {
    this.#view.focus();
  }

  close() {
    this.#view.destroy();
  }
}
