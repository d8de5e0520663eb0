/* Where no stream comes through, as behind some proxies, the figures are asked for. */
(() => {
  const POLL_MS = 30000;

  const put = (part) => {
    const old = document.querySelector(part.getAttribute("hx-target"));
    const card = part.firstElementChild;
    if (!old || old.contains(document.activeElement)) return;
    if (card?.id === old.id) old.replaceWith(card);
    else old.textContent = part.textContent;
  };

  const poll = async () => {
    const place = document.getElementById("live");
    if (!place || document.hidden || ["on", "paused"].includes(place.dataset.stream)) return;
    const answer = await fetch(place.dataset.poll).catch(() => null);
    const fresh = answer?.status === 200;
    if (fresh) {
      const cards = new DOMParser().parseFromString(await answer.text(), "text/html");
      cards.querySelectorAll("hx-partial").forEach(put);
    }
    place.dataset.fresh = fresh ? "yes" : "";
    document.dispatchEvent(new Event("polled"));
  };

  setInterval(poll, POLL_MS);
})();
