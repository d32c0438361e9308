/* Buttons that open the browser's print dialog: <button type="button" hidden data-print>. */
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
