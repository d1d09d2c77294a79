"use strict";
for (const table of document.querySelectorAll(".list")) {
  const section = table.closest("section");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => ({
    row,
    text: row.textContent.toLowerCase(),
    cells: Array.from(row.cells, (cell) => cell.textContent),
  }));
  const find = section.querySelector("input");
  const state = section.querySelector("select");
  const shown = section.querySelector("[role=status]");

  const filter = () => {
    const wanted = find.value.trim().toLowerCase();
    let count = 0;
    for (const one of rows) {
      const fits = (!state.value || one.cells[1] === state.value) && one.text.includes(wanted);
      one.row.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
  };

  const headers = Array.from(table.tHead.rows[0].cells);
  const sort = (column) => {
    const header = headers[column];
    const down = header.getAttribute("aria-sort") === "ascending";
    for (const one of headers) one.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const order = down ? -1 : 1;
    rows.sort((a, b) => {
      const [left, right] = [a.cells[column], b.cells[column]];
      return left < right ? -order : left > right ? order : 0;
    });
    const sorted = document.createDocumentFragment();
    for (const one of rows) sorted.append(one.row);
    body.append(sorted);
  };
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => sort(column));
    header.replaceChildren(button);
  });

  find.addEventListener("input", filter);
  state.addEventListener("change", filter);
  section.querySelector(".tools").hidden = false;
  filter();
}
