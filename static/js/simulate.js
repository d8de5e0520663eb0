/* Sliders beside the number fields that are sent, and the address of what is shown. */
(() => {
  const form = document.getElementById("simulation");
  for (const slider of form?.querySelectorAll("input[data-for]") ?? []) {
    const number = document.getElementById(slider.dataset.for);
    slider.hidden = false;
    slider.addEventListener("input", () => (number.value = slider.value));
    number.addEventListener("input", () => (slider.value = number.value));
  }
  document.addEventListener("htmx:after:swap", () => {
    history.replaceState(null, "", `?${new URLSearchParams(new FormData(form))}`);
  });
})();
