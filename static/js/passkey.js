/* Forms that a device proves: asks it for a passkey, or makes one with it, and sends what it answers. */
(() => {
  const known = window.PublicKeyCredential;

  const asked = async ({ action, dataset }) => {
    const data = dataset.options
      ? JSON.parse(document.getElementById(dataset.options).textContent)
      : await (await fetch(action, { headers: { accept: "application/json" } })).json();
    return Object.values(data)[0].publicKey;
  };

  const made = (options) => {
    const selection = { ...options.authenticatorSelection, residentKey: "required", requireResidentKey: true };
    const publicKey = known.parseCreationOptionsFromJSON({ ...options, authenticatorSelection: selection });
    return navigator.credentials.create({ publicKey });
  };

  const shown = (options) => navigator.credentials.get({ publicKey: known.parseRequestOptionsFromJSON(options) });

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const problem = form.querySelector("[role=alert]");
      problem.hidden = true;
      try {
        const answer = await (form.dataset.passkey === "make" ? made : shown)(await asked(form));
        form.elements.credential.value = JSON.stringify(answer);
        form.submit();
      } catch {
        problem.hidden = false;
      }
    });
  }
})();
