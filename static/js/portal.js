/* Live figures, paused or stale, and closing menus. */
(() => {
  const RETRY_MS = 2000;
  const find = (id) => document.getElementById(id);
  const on = (names, run) => names.split(" ").forEach((name) => document.addEventListener(name, run));
  const openMenu = () => document.querySelector("header details[open]");
  let stream, paused;

  const show = () => {
    const { dataset } = find("live");
    const button = find("live-pause");
    const live = stream || (!paused && dataset.fresh);
    dataset.stream = paused ? "paused" : stream ? "on" : "off";
    button.textContent = button.dataset[paused ? "resume" : "pause"];
    document.body.classList.toggle("stale", !live);
    find("live-stale").hidden = !!live;
  };

  const connected = (now) => {
    stream = now;
    show();
  };

  const restart = () => {
    const fresh = find("live").cloneNode(false);
    fresh.removeAttribute("data-htmx-powered");
    find("live").replaceWith(fresh);
    htmx.process(fresh);
  };

  // The extension retries only where it was once connected.
  const retry = (event) => {
    if (event.target !== find("live")) return;
    connected();
    if ([401, 404].includes(event.detail.ctx?.response?.status)) return;
    setTimeout(() => paused || restart(), RETRY_MS);
  };

  on("htmx:sse:before:connection", (event) => paused && event.preventDefault());
  on("htmx:sse:after:connection", (event) => connected(event.detail.connection));
  on("htmx:sse:error htmx:sse:close", () => connected());
  on("polled", show);
  on("htmx:error htmx:response:error", retry);
  on("htmx:after:swap", () => stream && show());
  on("click", ({ target }) => {
    if (target.id === "live-pause") {
      paused = !paused;
      paused ? stream?.reader?.cancel() : restart();
    }
    const menu = openMenu();
    if (menu && !menu.contains(target)) menu.open = false;
  });
  on("keydown", (event) => {
    const menu = event.key === "Escape" && openMenu();
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
