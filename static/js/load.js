/*
 * Starts loading Python, as the second part of the built page's first script.
 *
 * Its WebAssembly is compiled while it arrives and the snapshot of its memory is read meanwhile;
 * static/js/interpreter.js takes over from there. tools/boot.py writes the files, which are named
 * by their content, and their digests into `data-stamp` of the script tag.
 */
(function () {
  "use strict";

  /** Holds the large files as they are used, unpacked: no cache of HTTP keeps them so. */
  var CACHE = "kimi-boot";

  if (!window.WebAssembly) return; // boot.js says so

  var script = document.currentScript;
  var stamp = JSON.parse(script.dataset.stamp);
  var folder = new URL("../boot/", script.src).href;
  var cache = window.caches ? caches.open(CACHE).catch(nothing) : Promise.resolve();
  /** @type {Array<[string, Response]>} fetched in this visit, to be kept for the next */
  var unpacked = [];
  var sources = null;

  /** Bytes of the packed files that are fetched in this visit. */
  var progress = { arrived: 0, size: 0 };

  function nothing() {}

  /** @param {string} name a stage that bench and browser tools show */
  function mark(name) {
    performance.mark("kimi:" + name);
  }

  /** Every file is named by its content: what is there under its name is the right one. */
  function address(kind) {
    return folder + kind + "-" + stamp[kind].slice(0, 16) + ".pack";
  }

  /**
   * @param {string} kind @param {string} type
   * @returns {Promise<Response>} the unpacked file, from the cache or the network
   */
  function load(kind, type) {
    var url = address(kind);
    return cache
      .then(function (open) {
        return open && open.match(url);
      })
      .catch(nothing)
      .then(function (kept) {
        return kept || unpack(url, kind, type);
      });
  }

  /** @param {string} url @returns {Promise<Response>} rejects when the host has no such file */
  function fetched(url) {
    return fetch(url).then(function (answer) {
      // Some hosts show a page of their own for whatever is not there, and call that a success.
      var isPage = /html/.test(answer.headers.get("content-type"));
      if (!answer.ok || isPage) throw new Error(url + " is missing (" + answer.status + ").");
      return answer;
    });
  }

  function unpack(url, kind, type) {
    if (!window.DecompressionStream) return Promise.reject(new Error("this browser cannot unpack it."));
    progress.size += stamp.sizes[kind];
    return fetched(url).then(function (answer) {
      var bytes = counted(answer.body).pipeThrough(new DecompressionStream("gzip"));
      var response = new Response(bytes, { headers: { "Content-Type": type } });
      unpacked.push([url, response.clone()]);
      return response;
    });
  }

  /** @param {ReadableStream} stream whose bytes count as progress */
  function counted(stream) {
    return stream.pipeThrough(
      new TransformStream({
        transform: function (chunk, controller) {
          progress.arrived += chunk.byteLength;
          controller.enqueue(chunk);
        },
      }),
    );
  }

  /** Keeps what this visit fetched, and nothing that it has not used. */
  function keep() {
    var current = ["wasm", "snapshot", "sources"].map(address);
    return cache
      .then(function (open) {
        if (!open) return undefined;
        return open.keys().then(function (requests) {
          var old = requests.filter(function (request) {
            return request.url.indexOf(folder) === 0 && current.indexOf(request.url) < 0;
          });
          var gone = old.map(function (request) {
            return open.delete(request);
          });
          var put = unpacked.splice(0).map(function (entry) {
            return open.put(entry[0], entry[1]);
          });
          return Promise.all(gone.concat(put));
        });
      })
      .catch(nothing); // full or blocked: the next visit fetches again
  }

  /** Forgets the snapshot: it is fetched again at the next visit. */
  function forget() {
    unpacked = [];
    return cache
      .then(function (open) {
        return open && open.delete(address("snapshot"));
      })
      .catch(nothing);
  }

  window.kimiBoot = {
    stamp: stamp,
    mark: mark,
    keep: keep,
    forget: forget,
    fetched: fetched,
    progress: progress,
    /** @returns {Promise<ArrayBuffer>} the Python files as they travel, for who has to unpack them */
    packedSources: function () {
      return fetched(address("sources")).then(function (answer) {
        return answer.arrayBuffer();
      });
    },
    wasm: WebAssembly.compileStreaming(load("wasm", "application/wasm")),
    snapshot: load("snapshot", "application/octet-stream").then(function (answer) {
      return answer.arrayBuffer();
    }),
    /** @returns {Promise<Record<string, string>>} Python files: texts by their path */
    sources: function () {
      if (sources) return sources;
      sources = load("sources", "application/json").then(function (answer) {
        return answer.json();
      });
      sources.catch(function () {
        sources = null; // whoever asks next may have more luck
      });
      return sources;
    },
  };
  mark("early");
  window.kimiBoot.wasm.then(function () {
    mark("wasm");
  }, nothing);
  window.kimiBoot.snapshot.catch(nothing); // told by who waits for it
  import("./interpreter.js").catch(nothing);
})();
