import { onEach } from "./dom.js";

/** Toasts: errors stay until closed; the others leave after 8 s, but not under the pointer or with focus inside. */
const STAY_MS = 8000;

onEach("[data-toast]", (toast) => {
  const close = toast.querySelector("[data-dismiss]");
  if (close instanceof HTMLElement) {
    close.hidden = false;
    close.addEventListener("click", () => toast.remove());
  }
  if (toast.classList.contains("toast-error")) return;
  const leave = () => {
    if (toast.matches(":hover, :focus-within")) window.setTimeout(leave, 1500);
    else toast.remove();
  };
  window.setTimeout(leave, STAY_MS);
});
