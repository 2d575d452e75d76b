"use strict";

// The two panes of a section scroll together.
for (const panes of document.querySelectorAll(".panes")) {
  const both = [...panes.querySelectorAll("pre")];
  for (const pane of both) {
    pane.addEventListener("scroll", () => {
      for (const other of both) {
        if (other.scrollLeft !== pane.scrollLeft) other.scrollLeft = pane.scrollLeft;
      }
    }, { passive: true });
  }
}

// The filter shows the rows that hold all the words.
const filter = document.querySelector(".filter");
if (filter) {
  const rows = [...document.querySelectorAll(".index tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const show = () => {
    const words = filter.elements.words.value.toLowerCase().split(/\s+/);
    rows.forEach((row, i) => { row.hidden = !words.every((word) => texts[i].includes(word)); });
    const shown = rows.filter((row) => !row.hidden).length;
    filter.querySelector("[role=status]").textContent = `${shown} of ${rows.length} lessons`;
  };
  filter.addEventListener("input", show);
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.hidden = false;
  show();
}
