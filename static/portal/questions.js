/* A <form data-question> leads to a page that asks before something is taken away. Here that page's question is asked
   in a dialog over the page one is on: its heading, and what stands in its #question. The keyboard begins on the safe
   answer and stays inside; Escape and Cancel lead back to the button. Where the answer is another page, that is opened. */
{
  const STOPS = "a[href], button, input:not([type=hidden]), summary";
  let dialog, running;

  const close = () => {
    running?.abort();
    dialog?.close();
  };

  const keepInside = (event) => {
    if (event.key !== "Tab") return;
    const stops = [...dialog.querySelectorAll(STOPS)];
    const [first, last] = event.shiftKey ? [stops.at(-1), stops[0]] : [stops[0], stops.at(-1)];
    if (document.activeElement !== last && stops.includes(document.activeElement)) return;
    event.preventDefault();
    first.focus();
  };

  const show = (page, opener) => {
    dialog = document.createElement("dialog");
    dialog.className = "confirm";
    dialog.setAttribute("closedby", "any");
    dialog.setAttribute("aria-labelledby", "question-title");
    dialog.setAttribute("aria-describedby", "question-text");
    const title = document.createElement("h2");
    title.className = "h5";
    title.id = "question-title";
    title.append(...document.importNode(page.querySelector("h1"), true).childNodes);
    dialog.append(title, ...document.importNode(page.querySelector("#question"), true).childNodes);
    const link = dialog.querySelector("[data-cancel]");
    const cancel = document.createElement("button");
    cancel.type = "button";
    cancel.className = link.className;
    cancel.append(...link.childNodes);
    cancel.addEventListener("click", close);
    link.replaceWith(cancel);
    dialog.addEventListener("keydown", keepInside);
    dialog.addEventListener("close", () => {
      dialog.remove();
      dialog = undefined;
      opener.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
    cancel.focus();
  };

  const ask = async (form, opener) => {
    running?.abort();
    running = new AbortController();
    const sent = new FormData(form, opener);
    const how = { signal: running.signal, redirect: "manual" };
    try {
      const answer = await fetch(
        form.action,
        form.method === "post" ? { ...how, method: "POST", body: new URLSearchParams(sent) } : how,
      );
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok || !page.querySelector("#question [data-cancel]")) throw new TypeError("no question");
      show(page, opener);
    } catch (error) {
      if (error.name === "AbortError") return;
      form.removeAttribute("data-question"); // the browser shows what else was answered
      form.requestSubmit(opener);
      form.setAttribute("data-question", "");
    }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.hasAttribute("data-question") || event.defaultPrevented) return;
    event.preventDefault();
    if (!dialog) ask(form, event.submitter ?? form.querySelector("button"));
  });
  window.addEventListener("pagehide", close); // going back, the page stands there as it was
}
