/* A search field in front of a long list: <input type="search" data-filters="id of the select">. It leaves the
   options that contain every word; arrows choose among them without leaving the field, Enter keeps the choice. */
{
  const fold = (text) => text.normalize("NFKD").replace(/\p{Mn}/gu, "").toLowerCase();

  for (const field of document.querySelectorAll("[data-filters]")) {
    const select = document.getElementById(field.dataset.filters);
    const options = [...select.options];
    const said = document.getElementById(field.getAttribute("aria-describedby"));

    const narrow = () => {
      const words = fold(field.value).split(/\s+/).filter(Boolean);
      const chosen = select.selectedOptions[0];
      const left = options.filter((option) => words.every((word) => fold(option.text).includes(word)));
      // What is chosen stays in the list, else the browser would choose something else unasked.
      select.replaceChildren(...options.filter((option) => option === chosen || left.includes(option)));
      chosen.selected = true;
      said.textContent = words.length ? `${said.dataset.label} ${left.length}` : "";
      return left;
    };

    field.addEventListener("input", () => {
      const left = narrow();
      if (field.value.trim() && left.length) left[0].selected = true;
    });
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
        field.value = "";
        narrow();
      }
    });
  }
}
