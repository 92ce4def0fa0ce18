/**
 * The history chart: uPlot in the page's colours. Gets typed arrays, one call an update.
 */
const SERIES = ["total", "prompt", "completion"];
const FEW_POINTS = 40;

/** Browsers remember a module that could not be fetched: who tries again gives another address. */
const { search: TRY } = new URL(import.meta.url);

/**
 * Loads uPlot with its stylesheet: nothing of the chart is fetched before it is needed. And waits
 * for it: a chart drawn without it stands in the wrong place, and jumps.
 */
const [{ default: uPlot }] = await Promise.all([
  import(`../vendor/uplot/uPlot.esm.js${TRY}`),
  styled(new URL("../vendor/uplot/uPlot.min.css", import.meta.url).href),
]);

/** @param {string} address of a stylesheet @returns {Promise<void>} */
function styled(address) {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = address;
  return new Promise((resolve, reject) => {
    sheet.onload = () => resolve();
    sheet.onerror = () => {
      sheet.remove();
      reject(new Error(`${address} cannot be fetched.`));
    };
    document.head.append(sheet);
  });
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(name).trim();
}

/** Typed arrays hold numbers only: what is not known travels as NaN and is a gap. */
const withGaps = (values) => Array.from(values, (value) => (Number.isNaN(value) ? null : value));

export class Chart {
  /** @param {HTMLElement} element of a fixed height */
  constructor(element) {
    this.element = element;
    this.shown = { total: true, prompt: true, completion: true };
    this.data = [[], [], [], []];
    this.times = [];
    this.locale = "en";
    this.plot = null;
    this.tip = document.createElement("div");
    this.tip.className = "chart-tip";
    this.tip.hidden = true;
    element.parentElement.append(this.tip);
    new ResizeObserver(() => this.resize()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
  }

  /**
   * @param {Float64Array} times milliseconds since 1970, NaN where unknown
   * @param {Float64Array} total @param {Float64Array} prompt @param {Float64Array} completion
   */
  update(times, total, prompt, completion) {
    this.times = Array.from(times);
    const numbers = this.times.map((_, index) => index + 1);
    this.data = [numbers, withGaps(total), withGaps(prompt), withGaps(completion)];
    if (!this.plot) this.build();
    else this.plot.setData(this.data);
  }

  /** @param {string} name @param {boolean} shown */
  toggle(name, shown) {
    this.shown[name] = shown;
    this.plot?.setSeries(SERIES.indexOf(name) + 1, { show: shown });
  }

  /** @param {string} locale @param {object} labels what the tooltip calls the series */
  speak(locale, labels) {
    this.locale = locale;
    this.labels = labels;
    this.rebuild();
  }

  /** Draws everything anew, in the colours that now hold. */
  rebuild() {
    if (!this.plot) return;
    this.plot.destroy();
    this.build();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (this.plot && width) this.plot.setSize({ width, height });
  }

  build() {
    const colour = colours();
    const compact = new Intl.NumberFormat(this.locale, { notation: "compact" });
    const time = new Intl.DateTimeFormat(this.locale, {
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    const axis = { stroke: colour("--chart-axis"), font: "11px system-ui, sans-serif" };
    const line = (name, extra) => ({
      show: this.shown[name],
      stroke: colour(`--series-${name}`),
      width: 1.75,
      points: { show: (plot) => plot.data[0].length <= FEW_POINTS, size: 5 },
      ...extra,
    });
    this.plot = new uPlot(
      {
        width: this.element.clientWidth,
        height: this.element.clientHeight,
        padding: [8, 24, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
        scales: {
          // A lone request stands in the middle, not on the frame.
          x: { time: false, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) },
          y: { range: (_, __, high) => [0, Math.max(high || 0, 10) * 1.08] },
        },
        axes: [
          {
            ...axis,
            size: 26,
            grid: { show: false },
            ticks: { show: false },
            space: 70,
            incrs: [1, 2, 5, 10, 20, 50],
            // A minute that several ticks share is written once.
            values: (_, splits) =>
              splits
                .map((n) => this.timeOf(n - 1, time))
                .map((text, at, all) => (at && text === all[at - 1] ? "" : text)),
          },
          {
            ...axis,
            size: 48,
            grid: { stroke: colour("--chart-grid"), width: 1 },
            ticks: { show: false },
            values: (_, splits) => splits.map((n) => compact.format(n)),
          },
        ],
        series: [
          {},
          line("total", { fill: colour("--series-total-fill") }),
          line("prompt"),
          line("completion", { dash: [4, 3] }),
        ],
        hooks: { setCursor: [(plot) => this.point(plot, time)] },
      },
      this.data,
      this.element,
    );
  }

  timeOf(index, format) {
    const at = this.times[index];
    return at === undefined || Number.isNaN(at) ? "" : format.format(at);
  }

  /** Shows the figures of the request under the pointer. */
  point(plot, time) {
    const { idx, left } = plot.cursor;
    this.tip.hidden = idx == null || left < 0;
    if (this.tip.hidden) return;
    const number = new Intl.NumberFormat(this.locale);
    const cells = SERIES.map((name, at) => [name, plot.data[at + 1][idx]])
      .filter(([name, value]) => value != null && this.shown[name])
      .flatMap(([name, value]) => [this.labels?.[name] ?? name, number.format(value)]);
    const texts = [`${idx + 1}`, this.timeOf(idx, time), ...cells];
    this.tip.replaceChildren(
      ...texts.map((text) => Object.assign(document.createElement("span"), { textContent: text })),
    );
    const room = this.element.clientWidth - this.tip.offsetWidth - 8;
    const x = plot.valToPos(plot.data[0][idx], "x") + 56;
    this.tip.style.setProperty("left", `${Math.max(8, Math.min(room, x))}px`);
  }
}
