/**
 * Scanning: `form[data-scan]` with one box named `code` and a region `[data-heard]` that the answers replace.
 *
 * A scanner types faster than the network answers, so codes wait in a queue and are sent one after the other; the box is empty and
 * has the focus at once. Good and bad sound differently. Without this script the form is sent like any other.
 */

/** @param {HTMLFormElement} form */
function start(form) {
  const box = /** @type {HTMLInputElement} */ (form.elements.namedItem("code"));
  const heard = /** @type {HTMLElement} */ (form.querySelector("[data-heard]"));
  const waiting = /** @type {HTMLElement | null} */ (form.querySelector("[data-waiting]"));
  const quiet = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-quiet]"));
  const failed = /** @type {HTMLTemplateElement | null} */ (form.querySelector("template[data-failed]"));
  /** @type {string[]} */
  const queue = [];
  let sending = false;
  /** @type {AudioContext | undefined} */
  let audio;

  if (quiet) {
    quiet.closest("[hidden]")?.removeAttribute("hidden");
    quiet.checked = localStorage.getItem("scan-quiet") === "1";
    quiet.addEventListener("change", () => {
      localStorage.setItem("scan-quiet", quiet.checked ? "1" : "0");
      box.focus();
    });
  }

  /** @param {boolean} good */
  function sound(good) {
    if (quiet?.checked) return;
    audio ??= new AudioContext();
    const tone = audio.createOscillator();
    tone.type = good ? "sine" : "square";
    tone.frequency.value = good ? 1046 : 196;
    const volume = audio.createGain();
    volume.gain.value = good ? 0.12 : 0.2;
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + (good ? 0.08 : 0.45));
  }

  function count() {
    if (waiting) waiting.hidden = queue.length < 2;
    const number = waiting?.querySelector("[data-number]");
    if (number) number.textContent = String(queue.length);
  }

  async function send() {
    if (sending) return;
    sending = true;
    while (queue.length) {
      count();
      const data = new FormData(form);
      data.set("code", queue[0]);
      try {
        const answer = await fetch(form.action, { method: "POST", body: data, headers: { "HX-Request": "true" }, redirect: "error" });
        if (!answer.ok) throw new Error(String(answer.status));
        heard.innerHTML = await answer.text();
        queue.shift();
        sound(heard.querySelector("[data-good]") !== null);
      } catch {
        if (failed) {
          heard.querySelector("[data-said]")?.replaceChildren(failed.content.cloneNode(true));
          const code = heard.querySelector("[data-code]");
          if (code) code.textContent = queue.join("、");
        }
        queue.length = 0;
        sound(false);
      }
      count();
    }
    sending = false;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const code = box.value.trim();
    box.value = "";
    box.focus();
    if (!code) return;
    queue.push(code);
    send();
  });
  document.addEventListener("keydown", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (target.closest("input, select, textarea, button, a, summary, dialog") || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key.length === 1) box.focus();
  }, true);
  window.addEventListener("beforeunload", (event) => {
    if (queue.length) event.preventDefault();
  });
  box.focus();
}

for (const form of document.querySelectorAll("form[data-scan]")) start(/** @type {HTMLFormElement} */ (form));
