/**
 * The page's WebSockets, on a thread of their own. A browser takes as long to tell of a message
 * as Python takes to understand it: in a flood, the page would have no time left to draw.
 *
 * In:  `{id, open: address}`, `{id, send: text}`, `{id, more: true}`, `{id, close: true}`.
 * Out: `{id, opened: true}`, `{id, bundles}`, `{id, closed: true}`, which is the last.
 *
 * A bundle is many texts in one. Bundles are sent at once while the page keeps up; then it gets
 * what has come meanwhile when it asks for more.
 */
"use strict";

/** Between the texts of a bundle. No JSON text contains it: inside strings it must be escaped. */
const SEPARATOR = "\u001e";
const NOT_THE_SEPARATOR = "\u001f"; // no JSON either
/** Texts of a bundle, which the page takes in without a pause. */
const MOST_TEXTS = 16;
/** Milliseconds from one sending to the next, which are less than a person could see. */
const PAUSE = 8;

/** @type {Map<number, Connection>} */
const connections = new Map();

class Connection {
  constructor(id, address) {
    this.id = id;
    /** @type {string[]} */
    this.waiting = [];
    this.lost = false;
    /** Whether the page has not asked for more yet, or too soon. */
    this.paused = false;
    this.sentAt = -Infinity;
    try {
      this.socket = new WebSocket(address);
    } catch {
      this.lose(); // refused before any attempt: a port that browsers block, or ws: from https:
      return;
    }
    this.socket.onopen = () => this.tell({ opened: true });
    this.socket.onclose = () => this.lose();
    this.socket.onmessage = ({ data }) => {
      if (typeof data === "string" && this.waiting.push(data) === 1) this.hand();
    };
  }

  tell(message) {
    postMessage({ id: this.id, ...message });
  }

  lose() {
    this.lost = true;
    this.hand();
  }

  hand() {
    if (this.paused) return;
    if (this.waiting.length) {
      this.paused = true;
      this.sentAt = performance.now();
      this.tell({ bundles: bundled(this.waiting) });
      this.waiting = [];
    } else if (this.lost) {
      connections.delete(this.id);
      this.tell({ closed: true });
    }
  }

  more() {
    const resume = () => {
      this.paused = false;
      this.hand();
    };
    const left = this.sentAt + PAUSE - performance.now();
    if (left > 0) setTimeout(resume, left);
    else resume();
  }

  send(text) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  close() {
    connections.delete(this.id);
    this.tell = () => {}; // what comes until it is closed is not wanted
    this.socket?.close();
  }
}

/** @param {string[]} texts */
function bundled(texts) {
  const bundles = [];
  for (let from = 0; from < texts.length; from += MOST_TEXTS) {
    const clean = texts.slice(from, from + MOST_TEXTS).map((text) => text.replaceAll(SEPARATOR, NOT_THE_SEPARATOR));
    bundles.push(clean.join(SEPARATOR));
  }
  return bundles;
}

onmessage = ({ data: { id, open, send, close, more } }) => {
  if (open !== undefined) {
    const connection = new Connection(id, open);
    if (!connection.lost) connections.set(id, connection);
  }
  const connection = connections.get(id);
  if (send !== undefined) connection?.send(send);
  else if (close) connection?.close();
  else if (more) connection?.more();
};
