/* Search as you type, in every <form role="search"> with GET. What follows the form on the page is replaced by what
   follows it in the answer, and so is each element with an id and data-live; the field keeps the focus, and the
   count is read out, or what is wrong with a field. A date counts once the focus has left its field: while it is
   typed it is another date with each digit. */
{
  const FORM = "main form[role=search][method=get]";
  const form = document.querySelector(FORM);
  let running, timer, shown, next;

  const query = () => new URLSearchParams(new FormData(form)).toString();
  const isBeingTyped = (field) => field.validity.badInput;
  const later = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(show, delay);
  };

  /* Leave the page, but not from under the hands of who fills in the form. */
  const leave = (address) => {
    if (form.contains(document.activeElement)) next = address;
    else location.assign(address);
  };

  const follow = (element) => {
    const range = element.ownerDocument.createRange();
    range.setStartAfter(element);
    range.setEndAfter(element.parentElement.lastChild);
    return range;
  };

  const replace = (page) => {
    const results = follow(page.querySelector(FORM)).extractContents();
    const place = follow(form);
    place.deleteContents();
    place.insertNode(document.importNode(results, true));
    for (const part of document.querySelectorAll("[data-live][id]")) {
      const other = page.getElementById(part.id);
      if (other) part.replaceWith(document.importNode(other, true));
    }
  };

  /* Say at the fields what the answer says there; the fields themselves stay. */
  const tell = (page) => {
    const answered = page.querySelectorAll(`${FORM} .field`);
    for (const [index, place] of form.querySelectorAll(".field").entries()) {
      place.querySelector(".errorlist")?.remove();
      const errors = answered[index]?.querySelector(".errorlist");
      if (errors) {
        const before = place.children[[...errors.parentElement.children].indexOf(errors)];
        place.insertBefore(document.importNode(errors, true), before);
      }
    }
    for (const field of form.querySelectorAll("[name][id]")) {
      const other = page.getElementById(field.id);
      if (!other) continue;
      for (const name of ["class", "aria-invalid", "aria-describedby"]) {
        if (other.hasAttribute(name)) field.setAttribute(name, other.getAttribute(name));
        else field.removeAttribute(name);
      }
    }
  };

  const show = async () => {
    running?.abort();
    next = undefined;
    if ([...form.elements].some(isBeingTyped)) return;
    running = new AbortController();
    shown = query();
    const address = `${location.pathname}?${shown}`;
    try {
      const answer = await fetch(address, { signal: running.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok || answer.redirected || !page.querySelector(FORM)) {
        leave(address); // the page itself says what is wrong
        return;
      }
      tell(page);
      replace(page);
      history.replaceState(history.state, "", address);
      const said = form.querySelector(".errorlist") ?? document.querySelector("main caption, main .found, main .empty p");
      announcer.textContent = said ? said.textContent.trim() : "";
      document.dispatchEvent(new Event("portal:replaced"));
    } catch (error) {
      if (error.name !== "AbortError") leave(address);
    }
  };

  const announcer = document.createElement("p");
  if (form) {
    announcer.className = "visually-hidden";
    announcer.setAttribute("aria-live", "polite");
    form.before(announcer);
    shown = query();
    form.addEventListener("input", ({ target }) => {
      if (target.type !== "date") later(target.matches("[type=search], [type=text]") ? 250 : 0);
    });
    form.addEventListener("focusout", ({ target, relatedTarget }) => {
      if (document.activeElement === target) return; // only the window has lost the focus
      if (next && !form.contains(relatedTarget)) location.assign(next);
      // Not at once, so that a press that took the focus away still meets what it was aimed at.
      else if (target.type === "date" && query() !== shown) later(250);
    });
    form.addEventListener("submit", () => {
      clearTimeout(timer);
      running?.abort();
    });
  }
}
