/* Gives a card's number to the card provider, or lets the customer confirm a payment; then sends the form. */
(() => {
  const form = document.getElementById("card");
  const { key, secret, language, step } = form.dataset;
  const button = form.querySelector("button");
  const problem = document.getElementById("card-problem");
  const stripe = Stripe(key, { locale: language });
  const { color, fontFamily } = getComputedStyle(form);
  let field;

  const say = (words) => {
    problem.lastChild.textContent = words;
    problem.hidden = !words;
  };

  if (step === "add") {
    field = stripe.elements().create("card", { style: { base: { color, fontFamily, fontSize: "16px" } } });
    field.mount("#card-field");
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("");
    const { error } = field
      ? await stripe.confirmCardSetup(secret, { payment_method: { card: field } })
      : await stripe.confirmCardPayment(secret);
    if (!error) return form.submit();
    say(error.message || form.dataset.failed);
    button.disabled = false;
  });
  button.hidden = false;
})();
