/* Comfort on the officers' pages; everything works without it.

   1. Sums of the table of seats follow while numbers are typed.
   2. The list of centres can be narrowed by typing.
   3. A form whose button was pressed once does not send again. */
"use strict";

const format = new Intl.NumberFormat("en-US");

/* The number in a cell as far as it makes sense, else all seats: as the server counts. */
function seatsLeft(input) {
  const seats = Number(input.dataset.seats);
  return /^\d+$/.test(input.value) ? Math.min(Number(input.value), seats) : seats;
}

function addUp(table) {
  let displacedInAll = 0;
  table.querySelectorAll("thead th[data-day]").forEach((head, index) => {
    let left = 0;
    let displaced = 0;
    for (const row of table.tBodies) {
      for (const line of row.rows) {
        const cell = line.cells[index + 1];
        const input = cell && cell.querySelector("input[data-seats]");
        if (!input) continue;
        const mark = cell.querySelector("[data-displaced]");
        const stays = seatsLeft(input);
        const tooMany = Math.max(0, Number(mark.dataset.taken) - stays);
        mark.textContent = tooMany ? "−" + format.format(tooMany) : "";
        left += stays;
        displaced += tooMany;
      }
    }
    head.querySelector("[data-sum=left]").textContent = format.format(left);
    head.querySelector("[data-sum=displaced]").textContent = format.format(displaced);
    displacedInAll += displaced;
  });
  const total = document.querySelector("[data-total=displaced]");
  if (total) total.textContent = format.format(displacedInAll);
}

for (const table of document.querySelectorAll("table[data-cut]")) {
  table.addEventListener("input", () => addUp(table));
}

for (const list of document.querySelectorAll("[data-filter]")) {
  const choices = [...list.querySelectorAll(".choice")];
  if (choices.length < 8) continue;
  const label = document.createElement("label");
  label.className = "filter";
  label.textContent = "Show only";
  const input = document.createElement("input");
  input.type = "text";
  input.autocomplete = "off";
  label.append(" ", input);
  list.querySelector("fieldset").before(label);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const choice of choices) {
      choice.hidden = !choice.textContent.toLowerCase().includes(wanted);
    }
  });
  /* Enter in the filter must not send the form. */
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
}

for (const form of document.querySelectorAll("form.ask, form.declare")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  /* The page may come back from the browser's memory. */
  window.addEventListener("pageshow", () => delete form.dataset.sent);
}
