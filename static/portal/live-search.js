/* Search as you type, in every <form role="search"> with GET. What follows the form on the page is replaced by what
   follows it in the answer, and so is each element with an id and data-live; the field keeps the focus, and the
   count is read out. */
{
  const FORM = "main form[role=search][method=get]";
  const form = document.querySelector(FORM);
  let running, timer;

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
      const next = page.getElementById(part.id);
      if (next) part.replaceWith(document.importNode(next, true));
    }
  };

  const show = async () => {
    running?.abort();
    running = new AbortController();
    const address = `${location.pathname}?${new URLSearchParams(new FormData(form))}`;
    try {
      const answer = await fetch(address, { signal: running.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok || answer.redirected || !page.querySelector(FORM) || page.querySelector(`${FORM} .is-invalid`)) {
        location.assign(address); // the page itself says what is wrong
        return;
      }
      replace(page);
      history.replaceState(history.state, "", address);
      const said = document.querySelector("main caption, main .empty p");
      announcer.textContent = said ? said.textContent.trim() : "";
      document.dispatchEvent(new Event("portal:replaced"));
    } catch (error) {
      if (error.name !== "AbortError") location.assign(address);
    }
  };

  const announcer = document.createElement("p");
  if (form) {
    announcer.className = "visually-hidden";
    announcer.setAttribute("aria-live", "polite");
    form.before(announcer);
    form.addEventListener("input", (event) => {
      clearTimeout(timer);
      timer = setTimeout(show, event.target.matches("[type=search], [type=text]") ? 250 : 0);
    });
    form.addEventListener("submit", () => {
      clearTimeout(timer);
      running?.abort();
    });
  }
}
