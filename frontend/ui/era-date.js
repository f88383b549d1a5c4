import { onEach } from "./dom.js";

/**
 * Shows the western year beside a Japanese one in `[data-era-date]`, and keeps the day when the era is switched: what stands in the
 * year box is turned into the other calendar when that is possible.
 * @param {HTMLElement} root
 */
function start(root) {
  const era = root.querySelector("select");
  const year = root.querySelector(".date-part-year input");
  const echo = root.querySelector("[data-echo]");
  const western = root.querySelector("[data-echo-western]");
  if (!(era instanceof HTMLSelectElement) || !(year instanceof HTMLInputElement)) return;
  let before = era.value;

  /** @param {string} code */
  const first = (code) => Number(root.getAttribute(`data-start-${code}`));
  /**
   * @param {string} code
   * @param {string} text
   */
  const toWestern = (code, text) => {
    const number = text.trim() === "元" ? 1 : Number(text.normalize("NFKC"));
    if (!Number.isInteger(number) || number < 1) return NaN;
    return code === "" ? (number >= 1000 ? number : NaN) : first(code) + number - 1;
  };
  const show = () => {
    const value = era.value === "" ? NaN : toWestern(era.value, year.value);
    if (!(echo instanceof HTMLElement) || !western) return;
    echo.hidden = Number.isNaN(value);
    western.textContent = Number.isNaN(value) ? "" : String(value);
  };
  era.addEventListener("change", () => {
    const value = toWestern(before, year.value);
    if (!Number.isNaN(value)) {
      const turned = era.value === "" ? value : value - first(era.value) + 1;
      if (turned >= 1 && (era.value === "" || turned <= 64)) year.value = String(turned);
    }
    before = era.value;
    show();
  });
  year.addEventListener("input", show);
  year.addEventListener("change", show);
  show();
}

onEach("[data-era-date]", start);
