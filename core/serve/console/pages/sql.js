import { addressOf } from "./address.js";
import { ask, save } from "./api.js";
import { bars } from "./bars.js";
import { element, problem, put, quiet, tableOf, visible } from "./elements.js";
import { count, duration } from "./numbers.js";

const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*)$/;
const CHART_ROWS_MAX = 200;
const LABEL = "Question: one SELECT, DESCRIBE, SHOW or SUMMARIZE, as streamlab query takes it";
const FIRST = "select event_type, count(*) as events from bronze.events group by all order by events desc";

/** A question, and its answer if the address has one. */
export async function showSql(page, parameters, signal) {
  const sql = parameters.get("q");
  const answer = element("section", { "aria-label": "Answer", "aria-live": "polite" });
  const field = new QuestionField(sql ?? FIRST, run);
  let asking = new AbortController();
  signal.addEventListener("abort", () => asking.abort());

  async function run() {
    asking.abort();
    asking = new AbortController();
    const { signal: own } = asking;
    history.replaceState(null, "", addressOf("/sql", { q: field.text }));
    put(answer, quiet("Asking …"));
    try {
      const found = await ask("sql", {}, { signal: own, body: { sql: field.text } });
      put(answer, drawAnswer(found));
    } catch (error) {
      if (own.aborted) {
        if (!signal.aborted) put(answer, quiet("Stopped."));
        return;
      }
      if (error.status === 401) throw error;
      put(answer, problem(error));
    }
  }

  put(
    page,
    element("h1", {}, "SQL"),
    field.parts,
    element(
      "div",
      { class: "row" },
      element("button", { type: "button", id: "run", click: run }, "Run"),
      element("button", { type: "button", click: () => asking.abort() }, "Stop"),
      element("span", { class: "quiet" }, "Ctrl+Enter runs it. It may take 30 seconds; 1,000 rows are shown."),
    ),
    answer,
  );
  // The question of a link waits for no list of tables.
  await Promise.all([field.becomeEditor(signal), sql === null ? undefined : run()]);
}

/** Where a question is typed: a text area, until the editor is there. */
class QuestionField {
  #area = element("textarea", { id: "sql", rows: 6, spellcheck: "false", autocapitalize: "off" });
  #label = element("label", { for: "sql" }, LABEL);
  #help = element("p", { class: "quiet" });
  #editor;
  #run;

  constructor(text, run) {
    this.#area.value = text;
    this.#run = run;
    this.#area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      run();
    });
    this.#label.addEventListener("click", () => this.#editor?.focus());
  }

  get parts() {
    return [this.#label, this.#area, this.#help];
  }

  get text() {
    return this.#editor?.text ?? this.#area.value;
  }

  async becomeEditor(signal) {
    // The text area does all that is needed, and the server's log says why it stays.
    const loading = import("./sql_editor.js").catch(() => undefined);
    const [module, tables] = await Promise.all([loading, offeredTables(signal)]);
    if (module === undefined || signal.aborted) return;
    const { SqlEditor } = module;
    const area = this.#area, hadFocus = document.activeElement === area;
    const selection = { anchor: area.selectionStart, head: area.selectionEnd };
    this.#editor = new SqlEditor({ text: area.value, selection, label: LABEL, tables, run: this.#run });
    signal.addEventListener("abort", () => this.#editor.close());
    area.replaceWith(this.#editor.host);
    put(this.#help, "Ctrl+Space offers tables and columns, Escape takes the offer away, and Tab leads on.");
    if (hadFocus) this.#editor.focus();
  }
}

/** None where they cannot be listed: whoever knows their names can ask all the same. */
async function offeredTables(signal) {
  try {
    return (await ask("tables", {}, { signal })).tables;
  } catch (error) {
    if (error.status === 401 || signal.aborted) throw error;
    return [];
  }
}

function drawAnswer({ columns, rows, cut, tookMs }) {
  const caption = `${count(rows.length)} ${rows.length === 1 ? "row" : "rows"} in ${duration(tookMs)}`;
  const shown = columns.map(({ name, type }, index) => ({
    name: visible(name),
    isNumber: NUMBERS.test(type),
    show: (row) => row[index] === null ? element("span", { class: "null" }, "NULL") : visible(row[index]),
  }));
  return [
    cut === null ? null : element("div", { class: "notice" }, `Shown are ${visible(cut)}.`),
    chart(columns, rows),
    tableOf(caption, shown, rows),
    rows.length === 0 ? null : element(
      "div",
      { class: "row" },
      element("button", { type: "button", id: "export", click: () => exportCsv(columns, rows) }, "Export as CSV"),
    ),
  ];
}

/** The first column of numbers, row by row, where the answer has a name and a number. */
function chart(columns, rows) {
  const at = columns.findIndex(({ type }) => NUMBERS.test(type));
  if (at < 1 || rows.length < 2 || rows.length > CHART_ROWS_MAX) return null;
  const values = rows.map((row) => Math.max(0, Number(row[at] ?? 0)));
  return bars(values, `${visible(columns[at].name)}, row by row; at most ${count(Math.max(...values))}`);
}

/** As RFC 4180 has it; NULL is an empty field, an empty text is quoted. */
function exportCsv(columns, rows) {
  const field = (text) => text === null ? "" : /[",\r\n]|^$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const lines = [columns.map(({ name }) => name), ...rows].map((row) => row.map(field).join(","));
  save(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }), "answer.csv");
}
