/**
 * A form is sent once: later presses while the answer is awaited are dropped. The server's idempotency key is the real guard; this
 * keeps people from wondering. `data-many` on the form switches it off (downloads). Going back in history frees the form.
 */

/** @param {HTMLFormElement} form */
function free(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll('[aria-busy="true"]')) button.removeAttribute("aria-busy");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method !== "post" || form.dataset.many !== undefined || event.defaultPrevented) return;
  if (form.dataset.sent !== undefined) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "";
  event.submitter?.setAttribute("aria-busy", "true");
  window.setTimeout(() => free(form), 15000);
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) free(/** @type {HTMLFormElement} */ (form));
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = /** @type {Element} */ (event.target).closest("form");
  if (form) free(form);
});
