// The history of a code location: keys that move over its rows, rows that renew themselves under somebody's hands, and
// the columns that somebody chose. All of it is more than the page needs to work.
const rowLinks = () => [...document.querySelectorAll("table.history tbody th a")];
const rowOf = (element) => element.closest("table.history tbody tr");
const numberOf = (row) => row.querySelector("th a").textContent;
const news = document.getElementById("news");

function isTyping(target) {
  return target.matches("input:not([type=checkbox]), textarea, select") || target.isContentEditable;
}

// The real focus moves, so that what reads the page aloud follows, and Enter is the link's own.
function move(step) {
  const links = rowLinks();
  const row = rowOf(document.activeElement);
  const at = row ? links.indexOf(row.querySelector("th a")) + step : links.findIndex((link) => link.getBoundingClientRect().top >= 0);
  const link = links[Math.min(Math.max(at, 0), links.length - 1)];
  if (!link) return;
  link.focus({ preventScroll: true });
  rowOf(link).scrollIntoView({ block: "nearest" });
}

function rollBack() {
  const row = rowOf(document.activeElement);
  if (!row) return;
  const act = row.querySelector(".c-act a");
  const why = row.querySelector(".c-act .why");
  if (act) act.click();
  else if (why) news.textContent = `No rollback to ${numberOf(row)}: ${why.textContent}`;
}

function openMenu() {
  const row = rowOf(document.activeElement);
  if (row) row.querySelector("td:last-child button").click();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  r: rollBack,
  m: openMenu,
  "/": () => document.getElementById("f-q").focus(),
  "?": () => show(document.getElementById("keys").innerHTML),
};

document.addEventListener("keydown", (event) => {
  const does = KEYS[event.key];
  if (!does || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event.target) || event.target.closest("[popover], dialog, details[open]") || dialog.open) return;
  event.preventDefault();
  does();
});

// What renews itself keeps the focus in its row, what was unfolded, and the rows where somebody is reading them.
let held = null;

function hold() {
  const row = rowOf(document.activeElement);
  const seen = rowLinks().map((link) => link.closest("tr")).find((each) => each.getBoundingClientRect().bottom > 0);
  const anchor = row || seen;
  held = {
    focused: row && numberOf(row),
    inside: row && [...row.querySelectorAll("a, button")].indexOf(document.activeElement),
    open: document.querySelector("#summary .remarks[open]") !== null,
    // At the top of the page what is new is what somebody wants to see.
    anchor: anchor && scrollY > 0 ? [numberOf(anchor), anchor.getBoundingClientRect().top] : null,
  };
}

function release() {
  if (!held) return;
  const { focused, inside, open, anchor } = held;
  held = null;
  const find = (number) => rowLinks().map((link) => link.closest("tr")).find((row) => numberOf(row) === number);
  const row = focused && find(focused);
  if (row) {
    const all = [...row.querySelectorAll("a, button")];
    (all[inside] || all[0]).focus({ preventScroll: true });
  }
  if (open) document.querySelector("#summary .remarks")?.setAttribute("open", "");
  const kept = anchor && find(anchor[0]);
  if (kept) scrollBy(0, kept.getBoundingClientRect().top - anchor[1]);
  const said = document.getElementById("poll")?.dataset.news;
  if (said && said !== document.body.dataset.news) {
    document.body.dataset.news = said;
    news.textContent = said;
  }
}

document.body.dataset.news = document.getElementById("poll")?.dataset.news || "";
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.id === "poll" && event.detail.xhr.status === 200) hold();
});
document.addEventListener("htmx:afterSettle", () => {
  document.dispatchEvent(new Event("rows"));
  release();
});

// A dialog that a row opened gives the focus back to a row that may be another one by then.
let opener = null;
document.addEventListener("click", (event) => {
  const row = event.target.closest("a[data-dialog]") && rowOf(event.target);
  if (row) opener = numberOf(row);
}, true);
dialog.addEventListener("close", () => {
  if (opener && document.activeElement === document.body) {
    rowLinks().find((link) => link.textContent === opener)?.focus();
  }
  opener = null;
});

// Columns: the cookie is read by the server, which then leaves out what nobody wants to see.
document.getElementById("columns").addEventListener("change", () => {
  const chosen = [...document.querySelectorAll("#columns input:checked")].map((box) => box.value);
  document.cookie = `lastgood_columns=${chosen.join(".") || "-"}; path=/; max-age=${365 * 86400}; samesite=lax`;
  htmx.trigger("#poll", "renew");
});
