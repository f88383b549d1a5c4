/**
 * The display of calls: polls a tiny document, shows what changed, rings and speaks fresh calls one after the other. A lost network keeps the
 * last picture and says since when; what was called meanwhile is shown afterwards and not spoken.
 */

const EVERY_MS = 300;
const LOST_AFTER_MS = 4000;
const page = /** @type {HTMLElement} */ (document.querySelector("[data-display]"));
const start = /** @type {HTMLButtonElement} */ (page.querySelector("[data-start]"));
const lost = /** @type {HTMLElement} */ (page.querySelector("[data-lost]"));

/** @typedef {{ id: number, number: string, window: number, at: string, spoken: boolean, waiting: boolean }} Call */
/** @typedef {{ calls: Call[], groups: { letter: string, waiting: number }[], now: string }} State */

let etag = "";
let last = Number(page.dataset.last ?? 0);
let heard = Date.now();
let clock = page.querySelector("[data-clock]")?.textContent ?? "";
/** @type {AudioContext | null} */
let audio = null;
/** @type {Call[]} */
const unsaid = [];
let speaking = false;

/** @param {string} name */
function copy(name) {
  const template = /** @type {HTMLTemplateElement} */ (page.querySelector(`[data-${name}]`));
  return /** @type {DocumentFragment} */ (template.content.cloneNode(true));
}

/** @param {State} state */
function show(state) {
  clock = state.now;
  const clockPlace = page.querySelector("[data-clock]");
  if (clockPlace) clockPlace.textContent = state.now;
  const fresh = state.calls.filter((call) => call.id > last).reverse();
  const now = /** @type {HTMLElement} */ (page.querySelector("[data-now]"));
  const first = state.calls[0];
  if (first && (fresh.length || !now.querySelector(".display-number"))) {
    const big = copy("big");
    /** @type {HTMLElement} */ (big.querySelector(".display-number")).textContent = first.number;
    /** @type {HTMLElement} */ (big.querySelector(".display-window b")).textContent = String(first.window);
    now.replaceChildren(big);
  } else if (!first) now.replaceChildren(copy("empty"));
  if (fresh.some((call) => call.spoken)) {
    now.classList.remove("is-new");
    void now.offsetWidth;
    now.classList.add("is-new");
    window.setTimeout(() => now.classList.remove("is-new"), 4500);
  }
  const rows = state.calls.map((call) => {
    const row = copy("row");
    const item = /** @type {HTMLElement} */ (row.querySelector("li"));
    item.classList.toggle("is-waiting", call.waiting);
    /** @type {HTMLElement} */ (row.querySelector("b")).textContent = call.number;
    /** @type {HTMLElement} */ (row.querySelector("span")).textContent = String(call.window);
    /** @type {HTMLElement} */ (row.querySelector("time")).textContent = call.at;
    return row;
  });
  page.querySelector("[data-calls]")?.replaceChildren(...rows);
  for (const group of state.groups) {
    const place = page.querySelector(`[data-letter="${CSS.escape(group.letter)}"]`);
    if (place) place.textContent = String(group.waiting);
  }
  if (fresh.length) {
    last = Math.max(last, ...fresh.map((call) => call.id));
    page.dataset.last = String(last);
    page.dataset.shownAt = String(Date.now());
    if (audio) {
      unsaid.push(...fresh.filter((call) => call.spoken));
      void speak();
    }
  }
}

/** Two bells, 880 and 660 Hz. @param {AudioContext} context */
function chime(context) {
  return new Promise((done) => {
    const begin = context.currentTime + 0.02;
    for (const [index, hertz] of [880, 660].entries()) {
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.frequency.value = hertz;
      gain.gain.setValueAtTime(0.0001, begin + index * 0.45);
      gain.gain.exponentialRampToValueAtTime(0.4, begin + index * 0.45 + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, begin + index * 0.45 + 0.8);
      tone.connect(gain).connect(context.destination);
      tone.start(begin + index * 0.45);
      tone.stop(begin + index * 0.45 + 0.85);
    }
    window.setTimeout(done, 1350);
  });
}

/** @param {number} id @param {string} language @returns {Promise<AudioBuffer | null>} */
async function voice(id, language) {
  const url = (page.dataset.sound ?? "").replace("/0/xx.wav", `/${id}/${language}.wav`);
  try {
    const answer = await fetch(url);
    return answer.ok && audio ? await audio.decodeAudioData(await answer.arrayBuffer()) : null;
  } catch {
    return null;
  }
}

async function speak() {
  if (speaking || !audio) return;
  speaking = true;
  for (let call = unsaid.shift(); call; call = unsaid.shift()) {
    const voices = (page.dataset.languages ?? "").split(" ").map((language) => voice(/** @type {Call} */ (call).id, language));
    await chime(audio);
    for (const coming of voices) {
      const sound = await coming;
      if (!sound) continue;
      await new Promise((done) => {
        const source = /** @type {AudioContext} */ (audio).createBufferSource();
        source.buffer = sound;
        source.connect(/** @type {AudioContext} */ (audio).destination);
        source.onended = () => done(undefined);
        source.start();
      });
    }
    page.dataset.said = String(call.id);
  }
  speaking = false;
}

async function ask() {
  try {
    const answer = await fetch(page.dataset.display ?? "", {
      headers: etag ? { "If-None-Match": etag } : {},
      cache: "no-store",
      signal: AbortSignal.timeout(3000),
    });
    if (answer.status === 200) {
      etag = answer.headers.get("ETag") ?? "";
      show(await answer.json());
    }
    if (answer.ok || answer.status === 304) {
      heard = Date.now();
      lost.hidden = true;
    }
  } catch {
    // The network or the server is away; the picture stays.
  }
  if (Date.now() - heard > LOST_AFTER_MS && lost.hidden) {
    const since = lost.querySelector("[data-since]");
    if (since) since.textContent = clock;
    lost.hidden = false;
  }
  window.setTimeout(ask, EVERY_MS);
}

start.hidden = false;
start.addEventListener("click", () => {
  audio = new AudioContext();
  void chime(audio);
  start.hidden = true;
});
void ask();
