/**
 * Animation frames for Python: none while nobody looks, and never more than a busy page can bear.
 */

/** A frame may take this part of the time until the next; the rest is for everything else. */
const SHARE = 0.5;
/** Milliseconds that a frame may come early, for screens do not draw at any moment. */
const SLACK = 4;
/** Milliseconds that a page waits at most, however long a frame took. */
const LONGEST_REST = 100;
/**
 * Frames that follow each other within so many milliseconds, and so many of them in a row, leave
 * nothing the time to glide to its place; on its way it would be laid out sixty times a second.
 */
const CLOSE = 250;
const FLOOD = 4;

/** Its message arrives when the browser has laid out and painted what was written. */
const painted = new MessageChannel();
let begun = 0;
let rested = 0;
let inARow = 0;

painted.port1.onmessage = () => {
  const cost = performance.now() - begun;
  rested = begun + Math.min(cost / SHARE - SLACK, LONGEST_REST);
};

/**
 * Calls once, before the screen is next drawn; in a hidden tab as soon as it is shown.
 * @param {() => void} draw
 */
export function requestFrame(draw) {
  if (document.hidden) {
    document.addEventListener("visibilitychange", () => requestFrame(draw), { once: true });
    return;
  }
  const rest = rested - performance.now();
  if (rest > 0) {
    setTimeout(() => requestFrame(draw), rest);
    return;
  }
  requestAnimationFrame(() => {
    if (document.hidden) return requestFrame(draw);
    const now = performance.now();
    inARow = now - begun < CLOSE ? inARow + 1 : 0;
    document.documentElement.toggleAttribute("data-hurried", inARow >= FLOOD);
    begun = now;
    try {
      draw();
    } finally {
      painted.port2.postMessage(null);
    }
  });
}
