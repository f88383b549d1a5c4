/**
 * The camera page. The picture exists in one canvas of this page and nowhere else on the device: no file, no object URL, no storage.
 * After the server has it the canvas is emptied, the camera is let go, and the server is told so.
 */
import { crop, hints, luminance, measure } from "./photo-checks.js";

const LOOK_EVERY = 400;
const SAMPLE = { width: 140, height: 180 };

/** @param {HTMLElement} root */
function start(root) {
  const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`[data-${name}]`));
  const video = /** @type {HTMLVideoElement} */ (find("video"));
  const picture = /** @type {HTMLCanvasElement} */ (find("preview"));
  const guide = /** @type {SVGElement} */ (root.querySelector("[data-guide]"));
  const [status, shoot, retake, send, drop] = ["status", "shoot", "retake", "send", "drop"].map(find);
  const rules = /** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll("[data-rule]"));
  const token = /** @type {HTMLInputElement} */ (root.querySelector("[name=csrfmiddlewaretoken]")).value;
  const width = Number(root.dataset.width);
  const height = Number(root.dataset.height);
  /** @type {MediaStream | undefined} */
  let stream;
  let looking = 0;
  let sample = document.createElement("canvas");

  /** @param {string} what @param {boolean} [bad] */
  function say(what, bad = false) {
    const template = /** @type {HTMLTemplateElement | null} */ (root.querySelector(`template[data-say="${what}"]`));
    status.textContent = template ? template.content.textContent : what;
    status.classList.toggle("is-bad", bad);
  }

  /** @param {HTMLCanvasElement} canvas @param {number} wide @param {number} high */
  function draw(canvas, wide, high) {
    const from = crop(video.videoWidth, video.videoHeight, width / height);
    canvas.width = wide;
    canvas.height = high;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    context.drawImage(video, from.x, from.y, from.width, from.height, 0, 0, wide, high);
    return context;
  }

  function look() {
    if (!stream || !video.videoWidth) return;
    const context = draw(sample, SAMPLE.width, SAMPLE.height);
    const seen = measure(luminance(context.getImageData(0, 0, SAMPLE.width, SAMPLE.height).data), SAMPLE.width);
    const said = hints(seen);
    for (const hint of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-hint]"))) {
      const wanted = !said.includes(String(hint.dataset.hint));
      if (hint.hidden !== wanted) hint.hidden = wanted;
    }
  }

  function letGo() {
    clearInterval(looking);
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = undefined;
    video.srcObject = null;
    sample.width = sample.height = 0;
  }

  function wipe() {
    picture.width = picture.height = 0;
    picture.hidden = true;
  }

  async function open() {
    wipe();
    say("starting");
    video.hidden = false;
    guide.removeAttribute("hidden");
    shoot.hidden = false;
    retake.hidden = send.hidden = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { width: { ideal: 1920 }, height: { ideal: 1440 }, facingMode: "environment" } });
      video.srcObject = stream;
      video.classList.toggle("is-mirrored", stream.getVideoTracks()[0].getSettings().facingMode === "user");
      await video.play();
    } catch {
      letGo();
      say("denied", true);
      return;
    }
    /** @type {HTMLButtonElement} */ (shoot).disabled = false;
    say("ready");
    sample = document.createElement("canvas");
    looking = setInterval(look, LOOK_EVERY);
  }

  shoot.addEventListener("click", () => {
    if (!stream || !video.videoWidth) return;
    draw(picture, width, height);
    letGo();
    picture.hidden = false;
    video.hidden = true;
    guide.setAttribute("hidden", "");
    /** @type {HTMLButtonElement} */ (shoot).disabled = true;
    shoot.hidden = true;
    retake.hidden = send.hidden = false;
    say("preview");
    send.focus();
  });
  retake.addEventListener("click", open);
  root.addEventListener("change", () => {
    if (!send.hidden && [...rules].every((rule) => rule.checked)) say("preview");
  });

  /** @returns {Promise<Blob | null>} the picture below the limit: its quality goes down until it is */
  async function encoded() {
    for (let quality = Number(root.dataset.quality); quality >= 50; quality -= 8) {
      const blob = await new Promise((done) => picture.toBlob(done, "image/jpeg", quality / 100));
      if (blob && blob.size <= Number(root.dataset.most)) return blob;
    }
    return null;
  }

  send.addEventListener("click", async () => {
    if ([...rules].some((rule) => !rule.checked)) {
      say("unticked", true);
      [...rules].find((rule) => !rule.checked)?.focus();
      return;
    }
    const buttons = /** @type {HTMLButtonElement[]} */ ([send, retake]);
    for (const button of buttons) button.disabled = true;
    say("sending");
    const headers = { "Content-Type": "image/jpeg", "X-CSRFToken": token };
    try {
      const answer = await fetch(String(root.dataset.picture), { method: "POST", body: await encoded(), headers, redirect: "error" });
      const told = await answer.json();
      if (!answer.ok) {
        say(told.message, true);
        return;
      }
      wipe();
      send.hidden = retake.hidden = drop.hidden = true;
      say(told.state === "delivered" ? "delivered" : "waiting", told.state !== "delivered");
      root.dataset.done = told.state;
      await fetch(String(root.dataset.cleared), { method: "POST", headers: { "X-CSRFToken": token }, redirect: "error", keepalive: true });
      root.dataset.told = "";
    } catch {
      if (!root.dataset.done) say("failed", true);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  });

  addEventListener("pagehide", () => {
    letGo();
    wipe();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  open();
}

for (const root of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-photo]"))) start(root);
