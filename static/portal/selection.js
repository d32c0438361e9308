/* Choosing rows: a checkbox with data-select-all chooses all [data-select] of its form, and the form's
   [data-selected] says how many are chosen, in the words of its data-label. */
{
  const rows = (form) => [...form.querySelectorAll("[data-select]")];

  const count = (form) => {
    const chosen = rows(form).filter((box) => box.checked).length;
    const all = form.querySelector("[data-select-all]");
    if (all) {
      all.checked = chosen > 0 && chosen === rows(form).length;
      all.indeterminate = chosen > 0 && !all.checked;
    }
    const output = form.querySelector("[data-selected]");
    if (output) output.textContent = `${output.dataset.label} ${chosen}`;
  };

  const countAll = () => {
    for (const form of document.querySelectorAll("form:has([data-select])")) count(form);
  };

  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (!form || !event.target.matches("[data-select], [data-select-all]")) return;
    if (event.target.matches("[data-select-all]")) {
      for (const box of rows(form)) box.checked = event.target.checked;
    }
    count(form);
  });
  document.addEventListener("portal:replaced", countAll);
  window.addEventListener("pageshow", countAll); // going back, the browser chooses again what was chosen
}
