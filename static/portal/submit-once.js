/* A form that was sent is not sent again while the answer is on its way; its button says that the work goes on. */
{
  const waiting = new Map();
  const release = (form) => {
    const button = waiting.get(form);
    waiting.delete(form);
    form.removeAttribute("aria-busy");
    button?.classList.remove("is-busy");
  };
  let announcer;

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (waiting.has(form)) {
      event.preventDefault();
      return;
    }
    waiting.set(form, event.submitter);
    form.setAttribute("aria-busy", "true");
    event.submitter?.classList.add("is-busy");
    setTimeout(() => {
      if (waiting.has(form)) announcer.textContent = document.body.dataset.working;
    }, 1000);
    setTimeout(() => release(form), 20000); // the answer may be a file, which leaves the page as it is
  });
  window.addEventListener("pageshow", () => {
    for (const form of [...waiting.keys()]) release(form);
    announcer.textContent = "";
  });

  announcer = document.createElement("p");
  announcer.className = "visually-hidden";
  announcer.setAttribute("aria-live", "polite");
  document.querySelector("main").prepend(announcer);
}
