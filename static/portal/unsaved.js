/* Ask before leaving a page on which something was changed and not saved. Not asked: about passwords, rows that
   are chosen for something, and forms with data-unguarded. */
{
  let leaving = false;
  const changed = (field) => {
    if (field.matches("[data-select], [data-select-all], [data-filters], [type=hidden], [type=file]")) return false;
    if (field instanceof HTMLSelectElement) {
      const options = [...field.options];
      const marked = options.some((option) => option.defaultSelected);
      return options.some((option, index) =>
        option.selected !== (marked ? option.defaultSelected : index === 0 && !field.multiple));
    }
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return "defaultValue" in field && field.value !== field.defaultValue;
  };
  const unsaved = (form) => !form.querySelector("[type=password]") && [...form.elements].some(changed);

  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && event.target.method === "post") leaving = true;
  });
  window.addEventListener("pageshow", () => (leaving = false));
  window.addEventListener("beforeunload", (event) => {
    const forms = document.querySelectorAll("main form[method=post]:not([data-unguarded])");
    if (!leaving && [...forms].some(unsaved)) event.preventDefault();
  });
}
