/*
 * Forms that a passkey answers: <form data-passkey="get" data-options="…" data-failed="…">, with a hidden
 * field "credential" and a hidden button. Without options, data-options-from says where to ask for them.
 */
const decode = {
  create: (options) => PublicKeyCredential.parseCreationOptionsFromJSON(options),
  get: (options) => PublicKeyCredential.parseRequestOptionsFromJSON(options),
};

async function optionsOf(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const answer = await fetch(form.dataset.optionsFrom, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.statusText);
  return (await answer.json()).request_options;
}

async function ask(form) {
  const kind = form.dataset.passkey;
  const options = (await optionsOf(form)).publicKey;
  const alone = form.elements.passwordless;
  if (alone) {
    options.authenticatorSelection.residentKey = alone.checked ? "required" : "discouraged";
    options.authenticatorSelection.requireResidentKey = alone.checked;
    if (alone.checked) options.authenticatorSelection.userVerification = "required";
  }
  return navigator.credentials[kind]({ publicKey: decode[kind](options) });
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) continue; // the text says what is missing
  const failed = form.querySelector("[role=alert]");
  form.querySelector("noscript, .no-passkey")?.remove();
  for (const hidden of form.querySelectorAll("[data-with-passkey]")) hidden.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.textContent = "";
    try {
      form.elements.credential.value = JSON.stringify(await ask(form));
      form.submit();
    } catch {
      failed.textContent = form.dataset.failed; // cancelled, taken too long, or no fitting passkey
    }
  });
}
