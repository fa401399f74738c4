// The log of a deploy: it stays at its end while it grows, can be copied, and says when it is cut off.
"use strict";

const box = document.getElementById("log-box");
const sign = () => document.getElementById("follow-sign");

function isAtEnd() {
  return box.scrollHeight - box.scrollTop - box.clientHeight < 40;
}

function toEnd() {
  box.scrollTop = box.scrollHeight;
}

// Whoever reads further up, or has selected something, is left where they are.
let atEnd = true;

if (box) {
  toEnd();
  box.addEventListener("scroll", () => (atEnd = isAtEnd()));
}

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (!box || event.detail.target.id !== "log-lines") return;
  const earlier = event.detail.fragment.querySelector("li");
  const first = event.detail.target.querySelector("li");
  const adds = earlier && first && Number(earlier.id.slice(5)) < Number(first.id.slice(5));
  const below = box.scrollHeight - box.scrollTop;
  // Lines that come above what is read move it down; it is moved back.
  setTimeout(() => {
    if (adds) box.scrollTop = box.scrollHeight - below;
    else if (atEnd && getSelection().isCollapsed) toEnd();
  });
});

function cutOff(event) {
  if (event.target.id !== "following" || !sign()) return;
  sign().textContent = "cut off: trying again";
  sign().classList.add("cut-off");
}

document.addEventListener("htmx:sendError", cutOff);
document.addEventListener("htmx:responseError", cutOff);
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.id !== "following" || !event.detail.successful || !sign()) return;
  if (sign().classList.contains("cut-off")) {
    sign().textContent = "following";
    sign().classList.remove("cut-off");
  }
});

// Copying the log: a line of text for each that is shown.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy-log]");
  if (!button) return;
  const list = document.getElementById(button.dataset.copyLog);
  const text = [...list.children]
    .map((line) => {
      const [level, step, message] = [".level", ".mark", ".message"].map((name) => line.querySelector(name).textContent.trim());
      return [line.querySelector("time").title, level, step, message].join("  ");
    })
    .join("\n");
  if (await copyText(text, list)) sayCopied(button);
});
