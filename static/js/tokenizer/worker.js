/**
 * Counts tokens in a thread of its own: however long a text is, the page stays quick.
 *
 * In:  `[id, operation, encoding, texts]`
 * Out: `[id, result]`, or `[id, null, reason]`. An error may leave tiktoken broken; who asked
 *      throws this worker away and starts another.
 */
import * as tiktoken from "../../vendor/tiktoken/tiktoken_bg.js";
import { LongRuns, mayHaveLongRuns } from "./long-runs.js";

const VENDOR = new URL("../../vendor/tiktoken/", import.meta.url);

/** @param {string} name @returns {Promise<Response>} a compressed file's content */
async function unpacked(name) {
  const answer = await fetch(new URL(name, VENDOR));
  const type = answer.headers.get("content-type") ?? "";
  if (!answer.ok || type.includes("html")) throw new Error(`${name}: HTTP ${answer.status}, ${type}`);
  const packed = await answer.arrayBuffer();
  const [first, second] = new Uint8Array(packed, 0, Math.min(2, packed.byteLength));
  // Some hosts say that a .gz file is compressed: then the browser has unpacked it already.
  if (first !== 0x1f || second !== 0x8b) return new Response(packed);
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")));
}

/** @type {Promise<void> | undefined} */
let started;

async function start() {
  const module = await (await unpacked("tiktoken_bg.wasm.gz")).arrayBuffer();
  const { instance } = await WebAssembly.instantiate(module, { "./tiktoken_bg.js": tiktoken });
  tiktoken.__wbg_set_wasm(instance.exports);
}

class Encoding {
  #tiktoken;
  #longRuns;
  /** @type {Map<number, number>} */
  #widths = new Map();

  constructor({ bpe_ranks, special_tokens, pat_str }) {
    this.#tiktoken = new tiktoken.Tiktoken(bpe_ranks, special_tokens, pat_str);
    this.#longRuns = new LongRuns(bpe_ranks, pat_str, (text) =>
      this.#tiktoken.encode_ordinary(text),
    );
  }

  /** @param {string} text @returns {Uint32Array} */
  encode(text) {
    return mayHaveLongRuns(text) ? this.#longRuns.encode(text) : this.#tiktoken.encode_ordinary(text);
  }

  /** @param {number} token @returns {number} its bytes */
  width(token) {
    let width = this.#widths.get(token);
    if (width === undefined) {
      width = this.#tiktoken.decode_single_token_bytes(token).length;
      this.#widths.set(token, width);
    }
    return width;
  }
}

/** @type {Map<string, Promise<Encoding>>} */
const encodings = new Map();

async function load(name) {
  const [definition] = await Promise.all([
    unpacked(`${name}.json.gz`).then((answer) => answer.json()),
    (started ??= start()),
  ]);
  return new Encoding(definition);
}

/** @param {string} name @returns {Promise<Encoding>} */
function encodingOf(name) {
  let encoding = encodings.get(name);
  if (!encoding) encodings.set(name, (encoding = load(name)));
  return encoding;
}

const OPERATIONS = {
  count: (encoding, texts) => texts.map((text) => encoding.encode(text).length),
  encode: (encoding, texts) => texts.map((text) => Array.from(encoding.encode(text))),
  widths: (encoding, [text]) => Array.from(encoding.encode(text), (token) => encoding.width(token)),
};

addEventListener("message", async ({ data: [id, operation, name, texts] }) => {
  try {
    postMessage([id, OPERATIONS[operation](await encodingOf(name), texts)]);
  } catch (error) {
    postMessage([id, null, error instanceof Error ? error.message : String(error)]);
  }
});
