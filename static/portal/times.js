/* Times say on hover what they are on the reader's own clock; [data-ago] stays true while the page is open. */
{
  const language = document.documentElement.lang;
  /* As the pages write them, see portal/formats: English for readers in Europe. */
  const written = language === "en" ? "en-GB" : language;
  const day = new Intl.DateTimeFormat(written, { dateStyle: "long" });
  const hour = new Intl.DateTimeFormat(written, { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  const steps = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

  const ago = (time) => {
    const seconds = Math.min(0, (time - Date.now()) / 1000);
    const [unit, length] = steps.find(([, size]) => -seconds >= size) ?? ["second", 1];
    return relative.format(Math.trunc(seconds / length), unit);
  };

  const tell = () => {
    for (const time of document.querySelectorAll("time[datetime*=T]")) {
      const moment = new Date(time.dateTime);
      time.title = `${day.format(moment)}, ${hour.format(moment)} · ${ago(moment)}`;
    }
  };
  const keep = () => {
    for (const place of document.querySelectorAll("[data-ago]")) {
      place.textContent = ago(new Date(place.dataset.ago));
    }
  };
  tell();
  document.addEventListener("portal:replaced", tell);
  setInterval(() => {
    tell();
    keep();
  }, 60000);
}
