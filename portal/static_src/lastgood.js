// What pages do besides htmx: dialogs, times that keep counting, forms that are sent once. Every page works without it.
"use strict";

const dialog = document.getElementById("dialog");

// A link to a page that fits into the dialog. What is not a plain click, or cannot be shown there, goes to the page.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
    event.preventDefault();
    try {
      const answer = await fetch(link.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected || answer.headers.has("HX-Refresh")) throw new Error(String(answer.status));
      dialog.innerHTML = await answer.text();
      dialog.showModal();
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
    menu.open = false;
    menu.querySelector("summary").focus();
  }
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
