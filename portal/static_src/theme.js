// Light, dark, or what the system says: kept in a cookie, so that the server paints the right one from the start.
"use strict";

const root = document.documentElement;
root.classList.add("scripted");

function markTheme() {
  for (const button of document.querySelectorAll("button[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === (root.dataset.theme || "")));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-theme-choice]");
  if (!button) return;
  const chosen = button.dataset.themeChoice;
  if (chosen) root.dataset.theme = chosen;
  else delete root.dataset.theme;
  const age = chosen ? 365 * 86400 : 0;
  document.cookie = `lastgood_theme=${chosen}; path=/; max-age=${age}; samesite=lax`;
  markTheme();
});

markTheme();
