// What pages do besides htmx: dialogs, times that keep counting, forms that are sent once. Every page works without it.
"use strict";

const dialog = document.getElementById("dialog");

// What a dialog shows may lead to something else in the same dialog: where the focus was, it stays, and so does what
// somebody has typed already.
function show(html) {
  const focused = dialog.open ? document.activeElement.id : "";
  const kept = dialog.open ? [...dialog.querySelectorAll("textarea[data-keep]")].map((box) => [box.id, box.value]) : [];
  dialog.innerHTML = html;
  for (const [id, value] of kept) {
    const box = document.getElementById(id);
    if (box && !box.value) box.value = value;
  }
  if (!dialog.open) dialog.showModal();
  const first = (focused && document.getElementById(focused)) || dialog.querySelector("[autofocus]");
  if (first) first.focus();
  htmx.process(dialog);
}

// A link to a page that fits into the dialog. What is not a plain click, or cannot be shown there, goes to the page.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
    event.preventDefault();
    try {
      const answer = await fetch(link.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected || answer.headers.has("HX-Refresh")) throw new Error(String(answer.status));
      show(await answer.text());
    } catch {
      location.assign(link.href);
    }
  }
  if (dialog.open && event.target.closest("[data-close]")) {
    event.preventDefault();
    dialog.close();
  }
  if (event.target === dialog) dialog.close();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    event.preventDefault(); // The dialog around it stays.
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// What looks like a switch answers to the space bar, as switches do.
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches("a[role=switch]")) return;
  event.preventDefault();
  event.target.click();
});

// A row's menu lies above whatever scrolls around it.
function place(menu) {
  const box = menu.querySelector(".menu-box");
  const { top, bottom, right } = menu.querySelector("summary").getBoundingClientRect();
  const below = innerHeight - bottom > box.offsetHeight + 8;
  box.style.position = "fixed";
  box.style.top = `${below ? bottom : Math.max(8, top - box.offsetHeight - 4)}px`;
  box.style.right = `${document.documentElement.clientWidth - right}px`;
  box.style.left = "auto";
}

document.addEventListener("toggle", (event) => {
  if (event.target.matches("details.row-menu[open]")) place(event.target);
}, true);

document.addEventListener("scroll", () => {
  document.querySelectorAll("details.row-menu[open]").forEach(place);
}, true);

// Copies text that an element shows, and says whether that worked. Scripts of single pages use it, too.
async function copyText(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS browsers have no clipboard for pages, but still copy what is selected.
    getSelection().selectAllChildren(shown);
    return document.execCommand("copy");
  }
  return true;
}

function sayCopied(button) {
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

// Copying: the text of the element that is named, or of the code beside the button.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy) || button.closest("tr").querySelector("code");
  if (await copyText(source.textContent, source)) sayCopied(button);
});

// A verb is asked for once, however often somebody clicks; filters leave out of the address what is empty.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.hasAttribute("data-once")) {
    if (form.dataset.once === "sent") event.preventDefault();
    form.dataset.once = "sent";
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  }
  if (form.hasAttribute("data-sparse")) {
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
  }
});

// Pages that come back from the browser's memory may send their forms again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) form.dataset.once = "";
  for (const field of document.querySelectorAll("form[data-sparse] :disabled")) field.disabled = false;
  for (const button of document.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
});

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"]];

function ago(seconds) {
  for (const [length, unit] of UNITS) if (seconds >= length) return `${Math.floor(seconds / length)} ${unit} ago`;
  return seconds >= 5 ? `${Math.floor(seconds)} s ago` : "just now";
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    if (seconds >= 0 && seconds < 30 * 86400) {
      const words = ago(seconds);
      if (time.textContent !== words) time.textContent = words;
    }
  }
}, 5000);
