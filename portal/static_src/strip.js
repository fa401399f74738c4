// Strips of deploys: one stop of the Tab key each, beginning at the newest; the arrow keys move within.
const ticksOf = (strip) => [...strip.querySelectorAll("a")];

for (const strip of document.querySelectorAll(".strip")) {
  for (const tick of ticksOf(strip).slice(0, -1)) tick.tabIndex = -1;
}

document.addEventListener("keydown", (event) => {
  const strip = event.target.closest(".strip");
  if (!strip || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const ticks = ticksOf(strip);
  const now = ticks.indexOf(event.target);
  const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: ticks.length - 1 }[event.key];
  if (next === undefined || !ticks[next]) return;
  event.preventDefault();
  ticks[now].tabIndex = -1;
  ticks[next].tabIndex = 0;
  ticks[next].focus();
});
