import { onEach } from "./dom.js";

/** `data-slider="ID"`: a range input without a name that moves the number box with this id, and follows it. */

/** @param {HTMLElement} element */
function start(element) {
  const range = /** @type {HTMLInputElement} */ (element);
  const box = document.getElementById(range.dataset.slider ?? "");
  if (!(box instanceof HTMLInputElement)) return;
  range.value = box.value;
  range.addEventListener("input", () => {
    box.value = range.value;
  });
  box.addEventListener("input", () => {
    if (box.value !== "") range.value = box.value;
  });
}

onEach("[data-slider]", start);
