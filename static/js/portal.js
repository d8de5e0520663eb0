/* What links and forms cannot do: pause live figures, ask for them where no stream comes through, say that they are
   stale, close menus. */
(() => {
  const RETRY_MS = 2000;
  const POLL_MS = 30000;
  const find = (id) => document.getElementById(id);
  const on = (names, run) => names.split(" ").forEach((name) => document.addEventListener(name, run));
  const openMenu = () => document.querySelector("header details[open]");
  let stream, paused, polled;

  const show = () => {
    const button = find("live-pause");
    const stale = find("live-stale");
    if (button) {
      button.hidden = false;
      button.textContent = button.dataset[paused ? "resume" : "pause"];
    }
    const live = !!stream || (polled && !paused);
    document.body.classList.toggle("stale", !live);
    if (stale) stale.hidden = live;
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

  // The extension tries again where it was once connected, but not where the first try fails.
  const retry = (event) => {
    if (event.target !== find("live")) return;
    connected();
    if ([401, 404].includes(event.detail.ctx?.response?.status)) return;
    setTimeout(() => paused || restart(), RETRY_MS);
  };

  const put = (part) => {
    const old = document.querySelector(part.getAttribute("hx-target"));
    const card = part.firstElementChild;
    if (!old || old.contains(document.activeElement)) return;
    if (card?.id === old.id) old.replaceWith(card);
    else old.textContent = part.textContent;
  };

  // Some proxies let no stream through: then the figures are asked for.
  const poll = async () => {
    const place = find("live");
    if (!place || stream || paused || document.hidden) return;
    const answer = await fetch(place.dataset.poll).catch(() => null);
    polled = answer?.status === 200;
    if (polled) {
      const cards = new DOMParser().parseFromString(await answer.text(), "text/html");
      cards.querySelectorAll("hx-partial").forEach(put);
    }
    show();
  };
  setInterval(poll, POLL_MS);

  on("htmx:sse:before:connection", (event) => paused && event.preventDefault());
  on("htmx:sse:after:connection", (event) => connected(event.detail.connection));
  on("htmx:sse:error htmx:sse:close", () => connected());
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
