/* A search field in front of a long list: <input type="search" data-filters="id of the select">. It leaves the
   options that contain every word and chooses the first; arrows go on from there without leaving the field,
   Escape takes back what was chosen at first. */
{
  const fold = (text) => text.normalize("NFKD").replace(/\p{Mn}/gu, "").toLowerCase();

  for (const field of document.querySelectorAll("[data-filters]")) {
    const select = document.getElementById(field.dataset.filters);
    const options = [...select.options];
    const said = document.getElementById(field.getAttribute("aria-describedby"));
    const first = select.selectedOptions[0];

    const show = (shown, chosen) => {
      select.replaceChildren(...shown);
      chosen.selected = true;
    };
    const narrow = () => {
      const words = fold(field.value).split(/\s+/).filter(Boolean);
      const left = options.filter((option) => words.every((word) => fold(option.text).includes(word)));
      if (!words.length) show(options, select.selectedOptions[0]);
      else if (left.length) show(left, left[0]);
      else show([first], first);
      said.textContent = words.length ? `${said.dataset.label} ${left.length}, ${select.selectedOptions[0].text}` : "";
    };

    field.addEventListener("input", narrow);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault(); // the choice is made; Submit is a step of its own
        select.focus();
      } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        const next = select.selectedIndex + (event.key === "ArrowDown" ? 1 : -1);
        if (select.options[next]) select.selectedIndex = next;
      } else if (event.key === "Escape" && field.value) {
        event.preventDefault();
        field.value = said.textContent = "";
        show(options, first);
      }
    });
  }
}
