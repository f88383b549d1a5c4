/**
 * An operator's telephone in the browser, without a face: microphone and loudspeaker, one connection to the exchange's door, the ring tone.
 * The messages are those of `madoguchi/voice/door.py`. No words for people: troubles are told as codes, the page has the words.
 *
 * With `telephone`, the sound is that of a SIP telephone on the desk: the page only shows what it does and tells it what to do.
 *
 * Whatever breaks (network, exchange, page), it comes in again with a new connection and goes on in the same call.
 *
 * Events (CustomEvent, `detail` is the message):
 *   connection   {status: "connecting" | "ready" | "lost" | "stopped", code?}
 *   trouble      {code}: microphone-denied, microphone-missing, microphone-busy, microphone-lost, browser, signed-out, and the codes of `error`
 *   state, ringing, stop_ringing, connected, held, resumed, consult, ended, board, refused   as the door tells them
 *   devices      the list of devices changed
 */

/** @typedef {"microphone" | "speaker" | "ringer"} Role */
/** @typedef {{call: string, contract: string, number: string, withheld: boolean, choice: string, choice_label: string, language: string,
 *   queue: string, waited: number, kind: "call" | "transfer" | "callback", by: string, sealed: string}} Call */

const STORED = "softphone-";
const RETRY_MS = [300, 1000, 2000, 4000, 8000];
const GATHER_MS = 2000;
const SILENT_MS = 4000;
/** Errors after which another try would only end the same way. */
const FINAL = new Set(["replaced", "offer", "protocol", "rate"]);
/** Names of getUserMedia's errors. */
const MICROPHONE = new Map([
  ["NotAllowedError", "microphone-denied"],
  ["SecurityError", "microphone-denied"],
  ["NotFoundError", "microphone-missing"],
  ["OverconstrainedError", "microphone-missing"],
  ["NotReadableError", "microphone-busy"],
  ["AbortError", "microphone-busy"],
]);

export class Softphone extends EventTarget {
  /** @type {Call | null} */
  call = null;
  /** "" | "ringing" | "talking" | "held": where the call stands. */
  phase = "";
  state = "offline";
  /** Seconds since 1970 on the exchange's clock. */
  since = 0;
  status = "stopped";

  #url;
  #pass;
  #telephone;
  #permit = "";
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {RTCPeerConnection | null} */
  #peer = null;
  /** @type {RTCRtpSender | null} */
  #sender = null;
  /** @type {MediaStream | null} */
  #microphone = null;
  /** @type {AudioContext | null} */
  #sound = null;
  /** @type {AnalyserNode | null} */
  #meter = null;
  /** @type {MediaStreamAudioSourceNode | null} */
  #metered = null;
  /** @type {OscillatorNode | null} */
  #ring = null;
  #voice = new Audio();
  #skew = 0;
  #tries = 0;
  /** @type {number | undefined} */
  #timer;
  /** Counts connections, so that what an old one still reports is not taken for the new one's. */
  #generation = 0;

  /**
   * @param {{url: string, pass: () => Promise<string>, telephone?: boolean}} options the door's address, how a fresh pass is got from the
   *   site, and whether the operator takes calls by a SIP telephone
   */
  constructor({ url, pass, telephone = false }) {
    super();
    this.#url = url;
    this.#pass = pass;
    this.#telephone = telephone;
    this.#voice.autoplay = true;
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#tell("devices"));
    window.addEventListener("online", () => this.status === "lost" && this.#again(0));
  }

  /** Asks for the microphone and connects. Call it from a press of a button, or when both were granted before. */
  async start() {
    if (this.status !== "stopped") return;
    if (this.#telephone) return this.#connect();
    if (!navigator.mediaDevices?.getUserMedia || !window.RTCPeerConnection) return this.#trouble("browser");
    this.#become("connecting");
    this.#sound ??= new AudioContext();
    void this.#route("ringer");
    void this.#route("speaker");
    if (await this.#listen()) await this.#connect();
    else this.stop();
  }

  /** Ends the connection and lets the microphone go. */
  stop(code = "") {
    this.#generation += 1;
    window.clearTimeout(this.#timer);
    this.#hangUpConnection();
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    this.#microphone = null;
    this.#over();
    this.#become("stopped", code);
  }

  answer() {
    if (!this.call || this.phase !== "ringing" || this.#telephone) return;
    this.#stopRinging();
    this.#speak(true);
    this.#send({ type: "answer", call: this.call.call });
  }

  decline() {
    if (this.call && this.phase === "ringing") this.#send({ type: "decline", call: this.call.call });
  }

  hangUp() {
    this.#send({ type: "hangup" });
  }

  /** @param {boolean} on */
  hold(on) {
    this.#send({ type: "hold", on });
  }

  /**
   * @param {string} to an operator's name, or "supervisor"
   * @param {boolean} attended whether the two talk before the caller is handed over
   */
  transfer(to, attended) {
    this.#send({ type: "transfer", to, attended });
  }

  complete() {
    this.#send({ type: "complete" });
  }

  takeBack() {
    this.#send({ type: "takeback" });
  }

  /** @param {"ready" | "break"} state */
  setState(state) {
    this.#send({ type: "state", state });
  }

  /** @param {string} pass a pass that names the number */
  dial(pass) {
    this.#send({ type: "dial", pass });
  }

  /** @param {boolean} on */
  board(on) {
    this.#send({ type: "board", on });
  }

  /** Seconds since the present state began, by the exchange's clock. */
  elapsed() {
    return Math.max(0, Date.now() / 1000 + this.#skew - this.since);
  }

  /** How loud the microphone is, 0 to 1. */
  level() {
    if (!this.#meter) return 0;
    const samples = new Float32Array(this.#meter.fftSize);
    this.#meter.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
    return Math.min(1, Math.max(0, 1 + Math.log10(power + 1e-10) / 5));
  }

  /** Whether the microphone was granted before, so that nobody is asked. */
  static async granted() {
    try {
      const found = await navigator.permissions.query({ name: /** @type {PermissionName} */ ("microphone") });
      return found.state === "granted";
    } catch {
      return false;
    }
  }

  /**
   * Devices to choose from; labels are empty until the microphone was granted.
   * @param {Role} role
   */
  async devices(role) {
    const kind = role === "microphone" ? "audioinput" : "audiooutput";
    return (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === kind);
  }

  /** @param {Role} role */
  chosen(role) {
    return localStorage.getItem(STORED + role) ?? "";
  }

  /**
   * Uses a device from now on, in this browser; "" is the system's own choice.
   * @param {Role} role
   * @param {string} id
   */
  async choose(role, id) {
    localStorage.setItem(STORED + role, id);
    if (role !== "microphone") await this.#route(role);
    else if (this.#microphone) await this.#listen();
  }

  /** Rings for a moment, to try the device. */
  tryRing() {
    this.#sound ??= new AudioContext();
    void this.#sound.resume();
    void this.#route("ringer");
    this.#startRinging();
    window.setTimeout(() => {
      if (this.phase !== "ringing") this.#stopRinging();
    }, 1200);
  }

  // The connection

  async #connect() {
    const generation = ++this.#generation;
    const current = () => generation === this.#generation;
    this.#become("connecting");
    try {
      this.#permit ||= await this.#pass();
    } catch (error) {
      if (!current()) return;
      if (error instanceof SignedOut) {
        this.#trouble("signed-out");
        this.stop("signed-out");
      } else this.#again();
      return;
    }
    if (!current()) return;
    const peer = this.#telephone ? null : new RTCPeerConnection();
    this.#peer = peer;
    const offer = peer ? await this.#offer(peer) : "";
    if (!current()) return peer?.close();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#send({ type: "hello", pass: this.#permit, offer }));
    socket.addEventListener("message", (event) => {
      if (current()) void this.#hear(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => {
      if (current()) this.#again();
    });
    peer?.addEventListener("connectionstatechange", () => {
      if (!current()) return;
      if (peer.connectionState === "failed") this.#again(0);
      if (peer.connectionState === "disconnected") {
        window.setTimeout(() => {
          if (current() && peer.connectionState !== "connected") this.#again(0);
        }, SILENT_MS);
      }
    });
  }

  /** @param {RTCPeerConnection} peer */
  async #offer(peer) {
    const [track] = this.#microphone?.getAudioTracks() ?? [];
    const transceiver = peer.addTransceiver(track ?? "audio", { direction: "sendrecv" });
    const codecs = RTCRtpReceiver.getCapabilities("audio")?.codecs ?? [];
    transceiver.setCodecPreferences(codecs.filter((codec) => /^audio\/PCM[UA]$/i.test(codec.mimeType)));
    this.#sender = transceiver.sender;
    peer.addEventListener("track", (event) => {
      this.#voice.srcObject = new MediaStream([event.track]);
      void this.#voice.play().catch(() => {});
    });
    await peer.setLocalDescription();
    await new Promise((resolve) => {
      const look = () => peer.iceGatheringState === "complete" && resolve(null);
      peer.addEventListener("icegatheringstatechange", look);
      window.setTimeout(resolve, GATHER_MS);
      look();
    });
    if (!this.#talks()) await transceiver.sender.replaceTrack(null);
    return peer.localDescription?.sdp ?? "";
  }

  /** Connects anew after a while; what still hangs on the old connection is dropped. */
  #again(wait = RETRY_MS[Math.min(this.#tries, RETRY_MS.length - 1)] * (1 + Math.random() / 2)) {
    if (this.status === "stopped") return;
    this.#generation += 1;
    this.#tries += 1;
    this.#hangUpConnection();
    if (this.call && this.phase === "ringing") {
      this.#tell("stop_ringing", { call: this.call.call, why: "gone" });
      this.#over();
    }
    this.#become("lost");
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#connect(), wait);
  }

  #hangUpConnection() {
    this.#socket?.close();
    this.#peer?.close();
    this.#socket = this.#peer = this.#sender = null;
  }

  /** @param {any} message */
  async #hear(message) {
    switch (message.type) {
      case "sdp":
        await this.#peer?.setRemoteDescription({ type: "answer", sdp: message.answer });
        return;
      case "welcome":
        this.#tries = 0;
        this.#skew = message.now - Date.now() / 1000;
        this.#become("ready");
        this.#enter(message.state, message.since);
        if (message.call) {
          this.call = message.call;
          this.phase = "talking";
          this.#speak(true);
          this.#tell("connected", { call: message.call.call, since: message.since, returned: true });
        } else if (this.call) {
          this.#tell("ended", { call: this.call.call, by: "system", wrapup_seconds: 0 });
          this.#over();
        }
        return;
      case "ringing":
        this.call = message;
        this.phase = "ringing";
        this.#tell("ringing", message);
        if (this.#telephone) return;
        if (message.kind === "callback") this.answer();
        else this.#startRinging();
        return;
      case "stop_ringing":
        this.#stopRinging();
        if (message.why !== "answered") this.#over();
        break;
      case "connected":
        this.phase = "talking";
        this.#speak(true);
        break;
      case "held":
        this.phase = "held";
        break;
      case "resumed":
        this.phase = "talking";
        break;
      case "ended":
        this.#tell("ended", message);
        this.#over();
        return;
      case "state":
        this.#enter(message.state, message.since);
        return;
      case "error":
        this.#permit = message.code === "pass" ? "" : this.#permit;
        if (message.code !== "pass" && message.code !== "closing") this.#trouble(message.code);
        if (FINAL.has(message.code)) this.stop(message.code);
        return;
      default:
    }
    this.#tell(message.type, message);
  }

  #talks() {
    return this.phase === "talking" || this.phase === "held";
  }

  #over() {
    this.#stopRinging();
    this.#speak(false);
    this.call = null;
    this.phase = "";
  }

  /**
   * @param {string} state
   * @param {number} since
   */
  #enter(state, since) {
    this.state = state;
    this.since = since;
    this.#tell("state", { state, since });
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /**
   * @param {string} status
   * @param {string} code
   */
  #become(status, code = "") {
    if (this.status === status) return;
    this.status = status;
    this.#tell("connection", { status, code });
  }

  /** @param {string} code */
  #trouble(code) {
    this.#tell("trouble", { code });
  }

  /**
   * @param {string} type
   * @param {object} detail
   */
  #tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // Sound

  /** Takes the chosen microphone; tells why not. */
  async #listen() {
    const id = this.chosen("microphone");
    /** @type {MediaStream} */
    let stream;
    try {
      const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
      stream = await navigator.mediaDevices.getUserMedia({ audio: id ? { ...audio, deviceId: { ideal: id } } : audio });
    } catch (error) {
      this.#trouble(MICROPHONE.get(error instanceof Error ? error.name : "") ?? "microphone-missing");
      return false;
    }
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    this.#microphone = stream;
    const [track] = stream.getAudioTracks();
    track.addEventListener("ended", () => {
      if (this.#microphone !== stream) return;
      this.#trouble("microphone-lost");
      void this.#listen();
    });
    if (this.#talks()) this.#speak(true);
    if (this.#sound) {
      void this.#sound.resume();
      this.#metered?.disconnect();
      this.#metered = this.#sound.createMediaStreamSource(stream);
      this.#meter ??= new AnalyserNode(this.#sound, { fftSize: 1024 });
      this.#metered.connect(this.#meter);
    }
    this.#tell("devices");
    return true;
  }

  /**
   * Outside of a call the microphone is not sent.
   * @param {boolean} on
   */
  #speak(on) {
    const track = on ? (this.#microphone?.getAudioTracks()[0] ?? null) : null;
    void this.#sender?.replaceTrack(track).catch(() => {});
  }

  /**
   * Sends a role's sound to its device; browsers that cannot choose keep the system's choice, as does a device that is gone.
   * @param {"speaker" | "ringer"} role
   */
  async #route(role) {
    const target = /** @type {any} */ (role === "speaker" ? this.#voice : this.#sound);
    try {
      await target?.setSinkId?.(this.chosen(role));
    } catch {
      await target.setSinkId("").catch(() => {});
    }
  }

  /** 400 Hz that beats 16 times a second, one second on and two off: a telephone in Japan. */
  #startRinging() {
    if (this.#ring || !this.#sound) return;
    const sound = this.#sound;
    const beat = new OscillatorNode(sound, { frequency: 16 });
    const depth = new GainNode(sound, { gain: 0.5 });
    const volume = new GainNode(sound, { gain: 0.5 });
    const gate = new GainNode(sound, { gain: 0 });
    this.#ring = new OscillatorNode(sound, { frequency: 400 });
    beat.connect(depth).connect(volume.gain);
    this.#ring.connect(volume).connect(gate).connect(sound.destination);
    for (let turn = 0; turn < 60; turn += 1) {
      gate.gain.setValueAtTime(0.4, sound.currentTime + turn * 3);
      gate.gain.setValueAtTime(0, sound.currentTime + turn * 3 + 1);
    }
    this.#ring.addEventListener("ended", () => {
      beat.stop();
      gate.disconnect();
    });
    beat.start();
    this.#ring.start();
  }

  #stopRinging() {
    this.#ring?.stop();
    this.#ring = null;
  }
}

/** The site gives no pass because nobody is signed in there. */
export class SignedOut extends Error {}

/**
 * Gets a pass from the site.
 * @param {string} url answers `{"pass": "…"}`
 */
export async function fetchPass(url) {
  const answer = await fetch(url, { redirect: "manual", cache: "no-store" });
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) throw new SignedOut();
  if (!answer.ok) throw new Error(`pass: ${answer.status}`);
  return /** @type {string} */ ((await answer.json()).pass);
}
