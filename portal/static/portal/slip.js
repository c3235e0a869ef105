/* Comfort on the slip and where an appointment is shared; everything works without it.

   1. A button that prints, in place of the words on how to print.
   2. A button that opens the phone's share sheet, where there is one. */
"use strict";

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const words of document.querySelectorAll("[data-without-script]")) {
  words.hidden = true;
}

if (typeof navigator.share === "function") {
  for (const button of document.querySelectorAll("[data-share]")) {
    button.hidden = false;
    /* Closing the sheet without a choice is no error. */
    button.addEventListener("click", () => navigator.share({ text: button.dataset.share }).catch(() => {}));
  }
}
