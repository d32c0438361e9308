// Django admin's search fields for rows of another model carry no name for those who hear the page.
"use strict";

const nameSelects = () => {
  for (const box of document.querySelectorAll(".select2-container")) {
    const label = box.previousElementSibling?.labels?.[0];
    if (!label) continue;
    const name = label.textContent.trim().replace(/:$/, "");
    for (const part of box.querySelectorAll(
      ".select2-selection, .select2-selection__rendered, .select2-search__field",
    )) {
      part.setAttribute("aria-label", name);
    }
  }
};

// They are made after the page, and for each row that is added.
new MutationObserver(nameSelects).observe(document.documentElement, { childList: true, subtree: true });
