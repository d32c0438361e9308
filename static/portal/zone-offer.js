/* Who has not decided in which time zone to read is offered that of the browser, where its clock goes differently.
   The portal says whether it does, once a session. Not beside a form, in which something may have been typed. */
{
  const place = document.querySelector("[data-offer]");
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const ASKED = "portal:zone";

  const offer = async () => {
    const answer = await fetch(`${place.dataset.offer}?${new URLSearchParams({ zone })}`);
    if (answer.status === 204) sessionStorage.setItem(ASKED, zone);
    if (answer.status !== 200 || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const form = document.importNode(page.querySelector("form"), true);
    form.elements.next.value = location.pathname + location.search;
    place.append(form);
  };

  const isFilledIn = document.querySelector("main form[method=post] :is(input:not([type=hidden]), select, textarea)");
  if (place && !isFilledIn && ![place.dataset.zone, sessionStorage.getItem(ASKED)].includes(zone)) {
    offer().catch(() => {}); // without a connection there is no offer
  }
}
