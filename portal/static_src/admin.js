// Select2 names its boxes by what is chosen in them: an empty one has no name. Each gets its field's label before that.
function nameBoxes() {
  for (const shown of document.querySelectorAll(".select2-selection__rendered[role]")) {
    const box = shown.closest(".select2-selection");
    const label = shown.closest(".select2-container").previousElementSibling?.labels?.[0];
    if (!box || !label) continue;
    label.id ||= `${shown.id}-label`;
    box.setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
    shown.removeAttribute("role");
    shown.removeAttribute("aria-readonly");
  }
}

// They are made when the page is ready, and again for each row that is added.
new MutationObserver(nameBoxes).observe(document.documentElement, { childList: true, subtree: true });
