/**
 * A WebSocket for Python. It lives in a worker (socket-worker.js), which sends texts in bundles,
 * for a call to Python costs more than most of what is in them. They are handed over in short
 * slices, so that a flood never keeps the page from drawing or from hearing a person.
 */

/** Milliseconds after which a slice ends. */
const SLICE = 8;

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

/** What hears of each socket, by its id. @type {Map<number, (message: object) => void>} */
const listeners = new Map();
let lastId = 0;
/** All sockets share one, which comes up while Python does. @type {Worker | null} */
let worker = null;

function startWorker() {
  const started = new Worker(new URL("./socket-worker.js", import.meta.url));
  started.onmessage = ({ data }) => listeners.get(data.id)?.(data);
  started.onerror = started.onmessageerror = () => {
    started.terminate(); // most likely its file was not to be had: the next may have more luck
    if (worker !== started) return;
    worker = null;
    for (const listener of [...listeners.values()]) listener({ closed: true });
  };
  worker = started;
}

try {
  startWorker();
} catch {
  // This page may have no workers: whoever connects is told.
}

/**
 * Connects. No handler is called within this call, nor after `close()`.
 * @param {string} address
 * @param {() => void} onOpen
 * @param {(texts: string) => void} onTexts gets a bundle
 * @param {() => void} onClose called once, after the last text
 * @throws {DOMException} when this page may have no workers
 */
export function openSocket(address, onOpen, onTexts, onClose) {
  const id = (lastId += 1);
  let waiting = [];

  function tell(message) {
    worker?.postMessage({ id, ...message });
  }

  function end() {
    listeners.delete(id);
    waiting = [];
  }

  function hand() {
    const until = performance.now() + SLICE;
    try {
      while (waiting.length && performance.now() < until) onTexts(waiting.shift());
    } finally {
      if (waiting.length) soon(hand);
      else if (listeners.has(id)) tell({ more: true });
    }
  }

  if (!worker) startWorker();
  listeners.set(id, ({ opened, bundles, closed }) => {
    if (opened) onOpen();
    if (bundles) {
      waiting = bundles;
      hand();
    }
    if (closed) {
      end();
      onClose();
    }
  });
  tell({ open: address });

  return {
    /** Dropped when the connection is not open. @param {string} text */
    send: (text) => tell({ send: text }),
    close() {
      end();
      tell({ close: true });
    },
  };
}
