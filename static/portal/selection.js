/* Choosing rows: a checkbox with data-select-all chooses all [data-select] of its form, with Shift one chooses all
   from the last one on, and the form's [data-selected] says how many are chosen. [data-needs-chosen] waits for one.
   A form with data-choice keeps its choice under that name while the pages of its list are turned: what is chosen on
   others is sent in its [data-elsewhere]. It is forgotten once it was sent and [data-choice-done] says what came of it,
   and where nobody is signed in. */
{
  const SENT = "choice-sent", KEPT = "choice ";
  const rows = (form) => [...form.querySelectorAll("[data-select]")];
  const words = (text) => text.split(" ").filter(Boolean);
  let last, isShiftDown;

  const kept = (name) => words(sessionStorage.getItem(KEPT + name) ?? "");
  const keep = (name, chosen) => {
    if (chosen.length) sessionStorage.setItem(KEPT + name, chosen.join(" "));
    else sessionStorage.removeItem(KEPT + name);
  };
  const forget = (isMeant) => {
    for (const name of Object.keys(sessionStorage)) {
      if (name.startsWith(KEPT) && isMeant(name.slice(KEPT.length))) sessionStorage.removeItem(name);
    }
  };

  const count = (form) => {
    const boxes = rows(form), elsewhere = form.querySelector("[data-elsewhere]");
    const here = boxes.filter((box) => box.checked);
    const others = elsewhere ? words(elsewhere.value) : [];
    const chosen = here.length + others.length;
    if (form.dataset.choice) keep(form.dataset.choice, [...here.map((box) => box.value), ...others]);
    const all = form.querySelector("[data-select-all]");
    if (all) {
      all.checked = here.length > 0 && here.length === boxes.length;
      all.indeterminate = here.length > 0 && !all.checked;
    }
    const output = form.querySelector("[data-selected]");
    if (output) {
      const more = others.length ? ` (${output.dataset.elsewhereLabel} ${others.length})` : "";
      output.textContent = `${output.dataset.label} ${chosen}${more}`;
    }
    const isTooMany = chosen > Number(form.dataset.most ?? Infinity);
    for (const button of form.querySelectorAll("[data-needs-chosen]")) button.disabled = !chosen || isTooMany;
    for (const link of form.querySelectorAll("[data-clear]")) link.hidden = !chosen;
    for (const told of form.querySelectorAll("[data-too-many]")) told.hidden = !isTooMany;
  };

  /* Choose these rows, and none but these. */
  const choose = (form, chosen) => {
    const wanted = new Set(chosen);
    for (const box of rows(form)) {
      box.checked = wanted.has(box.value);
      wanted.delete(box.value);
    }
    form.querySelector("[data-elsewhere]").value = [...wanted].join(" ");
  };

  const countAll = () => {
    for (const form of document.querySelectorAll("form:has([data-select])")) {
      const name = form.dataset.choice;
      if (name) {
        const [session] = name.split(" ");
        forget((other) => !other.startsWith(`${session} `));
        if (kept(name).length) choose(form, kept(name));
      }
      count(form);
    }
  };

  document.addEventListener("keydown", (event) => (isShiftDown = event.shiftKey));
  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!box.matches("[data-select]")) return;
    // Not every browser says of a click by the space bar that Shift was down.
    const isRange = event.shiftKey || (event.detail === 0 && isShiftDown);
    if (isRange && last?.isConnected && last.form === box.form) {
      const boxes = rows(box.form);
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const other of boxes.slice(from, to + 1)) other.checked = box.checked;
    }
    last = box;
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-clear]");
    if (!link) return;
    event.preventDefault();
    const form = link.closest("form");
    choose(form, []);
    count(form);
    form.querySelector("[data-select-all]").focus(); // the link is gone
  });
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (!form || !event.target.matches("[data-select], [data-select-all]")) return;
    if (event.target.matches("[data-select-all]")) {
      for (const box of rows(form)) box.checked = event.target.checked;
    }
    count(form);
  });
  document.addEventListener("submit", (event) => {
    const isSent = event.target.dataset.choice && event.submitter?.matches("[data-needs-chosen]");
    if (isSent && !event.defaultPrevented) sessionStorage.setItem(SENT, event.target.dataset.choice);
  });
  document.addEventListener("portal:replaced", countAll);
  window.addEventListener("pageshow", countAll); // going back, the browser chooses again what was chosen

  if (document.querySelector("[data-choice-done]")) forget((name) => name === sessionStorage.getItem(SENT));
  if (!document.querySelector(".who")) forget(() => true);
}
