// The menu of a row of history: asked of the server when it is opened, which knows what this person may do with it.
const menu = document.getElementById("row-menu");
let button = null;

function addButtons() {
  for (const cell of document.querySelectorAll(".history tbody td:last-child:empty")) {
    const number = cell.parentElement.querySelector("th a").textContent;
    const made = document.createElement("button");
    made.textContent = "⋯";
    made.setAttribute("aria-haspopup", "menu");
    made.setAttribute("aria-expanded", "false");
    made.setAttribute("aria-label", `Actions of ${number}`);
    cell.append(made);
  }
}

const items = () => [...menu.querySelectorAll("a, button, span")];

function below(of) {
  const { top, bottom, right } = of.getBoundingClientRect();
  const fits = innerHeight - bottom > menu.offsetHeight + 8;
  menu.style.top = `${fits ? bottom : Math.max(8, top - menu.offsetHeight)}px`;
  menu.style.right = `${Math.max(8, document.documentElement.clientWidth - right)}px`;
}

async function open(of) {
  const link = of.closest("tr").querySelector("th a");
  button = of;
  try {
    const answer = await fetch(`${link.href}actions/`, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected || answer.headers.has("HX-Refresh")) throw new Error(String(answer.status));
    menu.innerHTML = await answer.text();
  } catch {
    location.assign(link.href);
    return;
  }
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", of.getAttribute("aria-label"));
  for (const item of items()) {
    item.setAttribute("role", "menuitem");
    item.tabIndex = -1;
  }
  menu.showPopover();
  below(of);
  of.setAttribute("aria-expanded", "true");
  items()[0].focus();
}

// The row may have been drawn anew since: its button is found by its name.
function opener() {
  if (!button || button.isConnected) return button;
  const name = button.getAttribute("aria-label");
  return [...document.querySelectorAll(".history td:last-child button")].find((each) => each.getAttribute("aria-label") === name);
}

// What is copied stands nowhere on the page: it is shown for as long as that takes.
async function copy(text) {
  const shown = document.createElement("span");
  shown.textContent = text;
  document.body.append(shown);
  await copyText(text, shown);
  shown.remove();
}

document.addEventListener("click", (event) => {
  const of = event.target.closest(".history td:last-child button");
  if (of) open(of);
});

menu.addEventListener("click", async (event) => {
  const item = event.target.closest("a, button");
  if (!item) return;
  if (item.dataset.copies) {
    await copy(item.dataset.copies);
    item.textContent = "Copied";
    document.getElementById("news").textContent = "Copied";
    setTimeout(() => menu.hidePopover(), 700);
    return;
  }
  menu.hidePopover();
});

menu.addEventListener("toggle", (event) => {
  if (event.newState !== "closed") return;
  const of = opener();
  of?.setAttribute("aria-expanded", "false");
  if (document.activeElement === document.body || menu.contains(document.activeElement)) of?.focus();
});

menu.addEventListener("keydown", (event) => {
  const all = items();
  const now = all.indexOf(document.activeElement);
  const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: all.length - 1 }[event.key];
  if (next !== undefined) {
    event.preventDefault();
    all[(next + all.length) % all.length].focus();
  } else if (event.key === "Tab") {
    menu.hidePopover();
  }
});

document.addEventListener("rows", addButtons);
addEventListener("scroll", () => menu.matches(":popover-open") && menu.hidePopover(), { passive: true });
addButtons();
