/* The status page is whole without htmx, which weighs more than the page: it comes for those who
   stay, in time for the first look whether anything has changed. */
"use strict";

{
  const { htmx: library, after } = document.currentScript.dataset;
  setTimeout(() => {
    const script = document.createElement("script");
    script.src = library;
    document.head.append(script);
  }, 1000 * Number(after));
}
