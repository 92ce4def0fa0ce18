/**
 * Encodes texts with very long runs (50 000 times a letter, a page of spaces, minified data).
 *
 * tiktoken's WebAssembly build merges a run in quadratic time: half a minute for 50 000 Chinese
 * characters. Here the same merges are done with a heap, in n log n. Only runs come here;
 * everything between them is still tiktoken's own work.
 */

/** Code units from which on a run is merged here; the longest token has 128 bytes. */
const LONG = 256;

/** A cheap look that finds every text with a long run, and a few without. */
const SUSPICION = new RegExp(
  `[\\p{L}\\p{M}]{${LONG},}|[^\\p{White_Space}\\p{L}\\p{N}]{${LONG},}|\\p{White_Space}{${LONG},}`,
  "u",
);

const BLANK = /^\p{White_Space}+$/u;
const HALF_PAIR = /\p{Surrogate}/gu;

/** @param {string} text @returns {boolean} whether it may have a run that is worth the detour */
export function mayHaveLongRuns(text) {
  return SUSPICION.test(text);
}

/**
 * Says in JavaScript's words what tiktoken's pattern says in Rust's: their idea of white space
 * differs by the byte order mark, and of the letter s, when case does not count, by the long s.
 */
function translated(pattern) {
  const source = pattern
    .replaceAll(
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)",
      "(?:'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])",
    )
    .replaceAll("\\s", "\\p{White_Space}")
    .replaceAll("\\S", "\\P{White_Space}");
  if (source.includes("(?i")) throw new Error("The encoding's pattern is not one that is known.");
  return new RegExp(source, "gu");
}

/** @returns {string} one character for each byte of a text's UTF-8 */
function binary(text) {
  const bytes = new TextEncoder().encode(text);
  let result = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    result += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return result;
}

/** The smallest number first. */
class Heap {
  #items = [];

  push(item) {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (items[above] <= item) break;
      items[at] = items[above];
      at = above;
    }
    items[at] = item;
  }

  /** @returns {number | undefined} */
  pop() {
    const items = this.#items;
    const top = items[0];
    const item = items.pop();
    const size = items.length;
    if (size === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= size) break;
      if (below + 1 < size && items[below + 1] < items[below]) below += 1;
      if (items[below] >= item) break;
      items[at] = items[below];
      at = below;
    }
    items[at] = item;
    return top;
  }
}

/** A rank and a place in one number that sorts by rank, then from left to right. */
const PLACES = 2 ** 28;

export class LongRuns {
  /** @type {Map<string, number> | undefined} */
  #ranks;
  #compact;
  #pattern;
  #encode;

  /**
   * @param {string} compact the encoding's ranks, in lines of `! first token token …`
   * @param {string} pattern how it cuts a text into pieces
   * @param {(text: string) => Uint32Array} encode tiktoken's own, for all that is not long
   */
  constructor(compact, pattern, encode) {
    this.#compact = compact;
    this.#pattern = translated(pattern);
    this.#encode = encode;
  }

  /** @param {string} text @returns {Uint32Array} its tokens */
  encode(text) {
    const whole = text.replace(HALF_PAIR, "\ufffd");
    const parts = [];
    let start = 0; // of what is still to be encoded
    let tail = 0; // behind its last piece that is not blank
    let blanks = []; // the pieces from there on
    // What follows a blank piece decides where it ends, so that each is encoded by itself.
    const flush = () => {
      if (tail > start) parts.push(this.#encode(whole.slice(start, tail)));
      for (const blank of blanks) parts.push(this.#encode(blank));
      blanks = [];
    };
    for (const { 0: piece, index } of whole.matchAll(this.#pattern)) {
      const end = index + piece.length;
      if (piece.length > LONG) {
        flush();
        parts.push(this.#merge(binary(piece)));
        start = tail = end;
      } else if (BLANK.test(piece)) {
        blanks.push(piece);
      } else {
        blanks = [];
        tail = end;
      }
    }
    flush();
    const tokens = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      tokens.set(part, at);
      at += part.length;
    }
    return tokens;
  }

  /** @param {string} bytes one piece @returns {Uint32Array} its tokens */
  #merge(bytes) {
    const ranks = this.#known();
    const size = bytes.length;
    const next = Int32Array.from({ length: size }, (_, at) => at + 1);
    const previous = Int32Array.from({ length: size }, (_, at) => at - 1);
    const paired = new Int32Array(size).fill(-1); // the rank of a part and the next one, as one
    const heap = new Heap();

    const look = (at) => {
      const middle = next[at];
      const end = middle < size ? next[middle] : size + 1;
      const rank = end > size || end - at > 128 ? undefined : ranks.get(bytes.slice(at, end));
      paired[at] = rank ?? -1;
      if (rank !== undefined) heap.push(rank * PLACES + at);
    };

    for (let at = 0; at + 1 < size; at += 1) look(at);
    for (let best = heap.pop(); best !== undefined; best = heap.pop()) {
      const at = best % PLACES;
      if (paired[at] !== (best - at) / PLACES) continue; // merged with something else since
      const gone = next[at];
      paired[gone] = -1;
      next[at] = next[gone];
      if (next[at] < size) previous[next[at]] = at;
      look(at);
      if (previous[at] >= 0) look(previous[at]);
    }

    const tokens = [];
    for (let at = 0; at < size; at = next[at]) tokens.push(ranks.get(bytes.slice(at, next[at])));
    return Uint32Array.from(tokens);
  }

  #known() {
    if (!this.#ranks) {
      this.#ranks = new Map();
      for (const line of this.#compact.split("\n")) {
        const [, first, ...tokens] = line.split(" ");
        tokens.forEach((token, at) => this.#ranks.set(atob(token), Number(first) + at));
      }
    }
    return this.#ranks;
  }
}
