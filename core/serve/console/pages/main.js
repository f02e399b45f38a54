import { ApiError, keepToken } from "./api.js";
import { element, problem, put, quiet } from "./elements.js";
import { showContract } from "./contract.js";
import { showFiles } from "./files.js";
import { showLetters } from "./letters.js";
import { showOverview } from "./overview.js";
import { showSql } from "./sql.js";
import { showStream } from "./stream.js";
import { showTables } from "./tables.js";

const PAGES = {
  "/": ["Streams", showOverview],
  "/stream": ["Stream", showStream],
  "/tables": ["Tables", showTables],
  "/letters": ["Dead letters", showLetters],
  "/files": ["Files", showFiles],
  "/contract": ["Contract", showContract],
  "/sql": ["SQL", showSql],
};

const page = document.getElementById("page");
let leaving = new AbortController();
/** For whoever measures: when the first content was there, besides when the page could be used. */
new MutationObserver((_changes, observer) => {
  if (page.querySelector("table, form, textarea, .notice") === null) return;
  performance.mark("shown");
  observer.disconnect();
}).observe(page, { childList: true });

/** Shows what the address names. */
async function show(isFirst) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [title, draw] = PAGES[location.pathname] ?? PAGES["/"];
  document.title = `${title} – streamlab`;
  for (const link of document.querySelectorAll("header nav a")) {
    const isOfStream = location.pathname === "/stream" && link.getAttribute("href") === "/";
    if (isOfStream || link.getAttribute("href") === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  put(page, element("h1", {}, title), quiet("Loading …"));
  if (!isFirst) {
    page.focus();
    document.getElementById("news").textContent = title;
  }
  try {
    await draw(page, new URLSearchParams(location.search), signal);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof ApiError && error.status === 401) put(page, element("h1", {}, title), tokenForm());
    else put(page, element("h1", {}, title), problem(error, () => show(false)));
  }
}

function tokenForm() {
  const input = element("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const submit = (event) => {
    event.preventDefault();
    keepToken(input.value.trim());
    show(false);
  };
  return element(
    "form",
    { submit },
    element("p", {}, "This server asks for a token of its token file. It is kept until you close the tab."),
    element("label", { for: "token" }, "Token"),
    input,
    element("div", { class: "row" }, element("button", {}, "Open")),
  );
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/']");
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain || !(link.pathname in PAGES)) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  show(false);
});
addEventListener("popstate", () => show(false));
show(true);
performance.mark("interactive");
