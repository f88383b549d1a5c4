/**
 * `data-kana`: hiragana and half-width katakana become full-width katakana when the box is left. `data-digits`: full-width digits and
 * hyphens become half-width. Done on leaving, never while an IME composes. The server does the same; this only shows it early.
 */

/**
 * @param {string} text
 * @returns {string}
 */
export function toKatakana(text) {
  return text
    .replace(/[\uFF61-\uFF9F]+/g, (half) => half.normalize("NFKC"))
    .replace(/[\u3041-\u3096]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) + 0x60))
    .replace(/[ \u00A0\u3000]+/g, "\u3000")
    .trim();
}

/**
 * @param {string} text
 * @returns {string}
 */
export function toDigits(text) {
  return text.replace(/[０-９＠．＋]/g, (wide) => wide.normalize("NFKC")).replace(/[－‐‑–—―−ー](?=[0-9]|$)/g, "-").trim();
}

document.addEventListener("change", (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement)) return;
  const value = input.dataset.kana !== undefined ? toKatakana(input.value) : input.dataset.digits !== undefined ? toDigits(input.value) : input.value;
  if (value !== input.value) {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
});
