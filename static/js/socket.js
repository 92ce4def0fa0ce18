/**
 * A WebSocket for Python. What arrives waits here and is handed over many texts at a time, for
 * the call costs more than most of what is in them; and in short slices, so that a flood never
 * keeps the page from drawing or from hearing a person.
 */

/** Between texts of one call. No JSON text contains it: inside strings it must be escaped. */
const SEPARATOR = "\u001e";
const NOT_THE_SEPARATOR = "\u001f"; // no JSON either
/** Milliseconds after which a slice ends, and texts a call. */
const SLICE = 8;
const MOST_TEXTS = 16;

/** A task of its own for each slice: timers would wait, and longer in a hidden tab. */
const channel = new MessageChannel();
/** @type {Array<() => void>} */
let slices = [];
channel.port1.onmessage = () => {
  const due = slices;
  slices = [];
  for (const slice of due) slice();
};

function soon(slice) {
  if (slices.push(slice) === 1) channel.port2.postMessage(null);
}

/**
 * Connects. No handler is called within this call, nor after `close()`.
 * @param {string} address
 * @param {() => void} onOpen
 * @param {(texts: string) => void} onTexts gets texts with the separator between them
 * @param {() => void} onClose called once, after the last text
 */
export function openSocket(address, onOpen, onTexts, onClose) {
  const socket = new WebSocket(address);
  let waiting = [];
  let lost = false;
  let silent = false;

  function hand() {
    const end = performance.now() + SLICE;
    while (waiting.length && !silent && performance.now() < end) {
      onTexts(waiting.splice(0, MOST_TEXTS).join(SEPARATOR));
    }
    if (silent) return;
    if (waiting.length) soon(hand);
    else if (lost) {
      silent = true;
      onClose();
    }
  }

  socket.onopen = () => silent || onOpen();
  socket.onmessage = ({ data }) => {
    if (silent || typeof data !== "string") return;
    const text = data.includes(SEPARATOR) ? data.replaceAll(SEPARATOR, NOT_THE_SEPARATOR) : data;
    if (waiting.push(text) === 1) soon(hand);
  };
  socket.onclose = () => {
    if (silent) return;
    lost = true;
    if (!waiting.length) soon(hand);
  };

  return {
    /** Dropped when the connection is not open. @param {string} text */
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close() {
      silent = true;
      waiting = [];
      socket.close();
    },
  };
}
