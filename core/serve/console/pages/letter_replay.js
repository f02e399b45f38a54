import { follow } from "./api.js";
import { element, problem, put, quiet, tableOf, visible } from "./elements.js";
import { count } from "./numbers.js";

const CUT = {
  message: "The answer was cut off",
  hint: "What was replayed stays. Is streamlab serve still running?",
};

/** Judges chosen letters again: a dry run first, then what it has shown. */
export function replayer(choice, allowsUpkeep, signal) {
  const heading = element("h2", {}, "Judge these again");
  if (!allowsUpkeep) {
    return [heading, quiet("This console only looks: with serve --allow-upkeep it can replay dead letters.")];
  }
  return [
    heading,
    quiet("Those that today's contract takes become events, each once; others may get another reason."),
    new Replay(choice, signal).parts,
  ];
}

class Replay {
  #choice;
  #signal;
  #isWorking = false;
  // Told to those who hear the page; figures that change all the time are only seen.
  #said = element("p", { role: "status", tabindex: -1 });
  #figures = element("p", { class: "quiet" });
  #answer = element("div");

  constructor(choice, signal) {
    this.#choice = choice;
    this.#signal = signal;
  }

  get parts() {
    const button = element(
      "button",
      { type: "button", id: "judge-again", click: () => this.#run(true) },
      "See what would become of them",
    );
    return [element("div", { class: "row" }, button), this.#said, this.#figures, this.#answer];
  }

  async #run(dryRun) {
    // The button stays what it is: whoever is at it is not sent away.
    if (this.#isWorking) return;
    this.#isWorking = true;
    put(
      this.#said,
      dryRun ? "Judging them …" : "Replaying them; leaving this page ends it after the batch under way …",
    );
    put(this.#answer);
    try {
      put(this.#answer, this.#shown(await this.#ask(dryRun)));
    } catch (error) {
      if (this.#signal.aborted) return;
      put(this.#said);
      put(this.#answer, problem(error, () => this.#run(dryRun)));
    } finally {
      this.#isWorking = false;
      put(this.#figures);
    }
  }

  async #ask(dryRun) {
    const body = { ...this.#choice, dryRun };
    let report, refusal = CUT;
    await follow("letters/replay", {}, { signal: this.#signal, body }, (name, value) => {
      if (name === "progress") put(this.#figures, progressText(value));
      else if (name === "done") report = value;
      else refusal = value;
    });
    if (report === undefined) throw refusal;
    return report;
  }

  #shown({ dryRun, reasons, batches, events, changed }) {
    if (dryRun) return this.#outlook(reasons);
    const more = changed === 0 ? "" : `, ${count(changed)} got another reason or detail`;
    put(this.#said, `Done: ${count(events)} of ${count(sum(reasons, "letters"))} became events${more}.`);
    return [
      batches === 0 ? quiet("None was to be changed.") : null,
      element("p", {}, element("a", { href: location.pathname + location.search }, "Show the letters that are left")),
    ];
  }

  #outlook(reasons) {
    const taken = sum(reasons, "taken"), changed = sum(reasons, "changed");
    put(this.#said, outlookText(sum(reasons, "letters"), taken, changed));
    return [
      reasons.length === 0 ? null : tableOf("What today's contract says of them", [
        { name: "Reason", show: ({ reason }) => visible(reason) },
        { name: "Letters", isNumber: true, show: ({ letters }) => count(letters) },
        { name: "Would become events", isNumber: true, show: ({ taken }) => count(taken) },
        { name: "Would get another reason or detail", isNumber: true, show: ({ changed }) => count(changed) },
      ], reasons),
      taken + changed === 0 ? null : element(
        "div",
        { class: "row" },
        element("button", { type: "button", id: "replay-it", click: () => this.#confirmed() }, "Replay them"),
      ),
    ];
  }

  #confirmed() {
    // The button that was pressed goes.
    this.#said.focus();
    return this.#run(false);
  }
}

function sum(reasons, name) {
  return reasons.reduce((total, each) => total + each[name], 0);
}

function outlookText(letters, taken, changed) {
  if (taken + changed === 0) return `None of ${count(letters)} would change.`;
  const more = changed === 0 ? "" : `, ${count(changed)} would get another reason or detail`;
  return `${count(taken)} of ${count(letters)} would become events${more}.`;
}

function progressText({ step, letters, batches, events }) {
  const done = batches === 0 ? "" : ` ${count(events)} have become events so far.`;
  return step === "judging" ? `${count(letters)} judged.${done}` : `${count(letters)} are moved now.${done}`;
}
