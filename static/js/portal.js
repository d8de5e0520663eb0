/* What links and forms cannot do: pausing the live figures, saying that they are stale, closing open menus. */
(() => {
  const find = (id) => document.getElementById(id);
  const RETRY_MS = 2000;
  let connection = null;
  let paused = false;

  const show = () => {
    const button = find("live-pause");
    const stale = find("live-stale");
    if (button) {
      button.hidden = false;
      button.textContent = paused ? button.dataset.resume : button.dataset.pause;
    }
    document.body.classList.toggle("stale", !connection);
    if (stale) stale.hidden = Boolean(connection);
  };

  const restart = () => {
    const old = find("live");
    const fresh = old.cloneNode(false);
    fresh.removeAttribute("data-htmx-powered");
    old.replaceWith(fresh);
    htmx.process(fresh);
  };

  document.addEventListener("htmx:sse:before:connection", (event) => {
    if (paused) event.preventDefault();
  });
  document.addEventListener("htmx:sse:after:connection", (event) => {
    connection = event.detail.connection;
    show();
  });
  for (const name of ["error", "close"]) {
    document.addEventListener(`htmx:sse:${name}`, () => {
      connection = null;
      show();
    });
  }
  // The extension tries again to connect where it was connected before, but not where the first try fails.
  for (const name of ["error", "response:error"]) {
    document.addEventListener(`htmx:${name}`, (event) => {
      if (event.target !== find("live")) return;
      connection = null;
      show();
      const status = event.detail.ctx?.response?.status;
      if (status !== 401 && status !== 404) setTimeout(() => paused || restart(), RETRY_MS);
    });
  }
  document.addEventListener("htmx:after:swap", () => connection && show());

  document.addEventListener("click", (event) => {
    if (event.target.id === "live-pause") {
      paused = !paused;
      if (paused) connection?.reader?.cancel();
      else restart();
    }
    for (const menu of document.querySelectorAll("header details[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("header details[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
