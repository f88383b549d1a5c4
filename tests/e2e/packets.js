// What the operator's browser hears: packets received, looked at every 50 ms; `stalls` are the pauses in which none came, in ms.
const peers = [];
window.RTCPeerConnection = class extends window.RTCPeerConnection {
  constructor(...given) {
    super(...given);
    peers.push(this);
  }
};
window.heard = { packets: 0, longest: 0 };
window.listenFrom = () => {
  let last = performance.now();
  Object.assign(window.heard, { packets: 0, longest: 0 });
  let before = -1;
  window.setInterval(async () => {
    for (const one of (await peers.at(-1).getStats()).values()) {
      if (one.type !== "inbound-rtp") continue;
      const now = performance.now();
      if (one.packetsReceived !== before) last = now;
      if (before >= 0) window.heard.packets += one.packetsReceived - before;
      window.heard.longest = Math.max(window.heard.longest, now - last);
      before = one.packetsReceived;
    }
  }, 50);
};
