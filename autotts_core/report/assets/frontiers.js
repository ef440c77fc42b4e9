/**
 * Accuracy over what it costs.
 * @param {HTMLElement} root
 * @param {Run} run
 */
function frontiers(root, run) {
  const state = { set: run.decisive, store: "average", cost: "tokens", bands: "selected" };
  /** @type {Set<string>} */
  const off = new Set();
  for (const set of Object.values(run.sets)) {
    for (const curve of set.curves) if (curve.kind === "round") off.add(curve.name);
  }
  const plot = el("div", { class: "plot", role: "group", "data-plot": "frontiers" });
  const controls = el("div", { class: "controls" });
  const legend = el("ul", { class: "legend", "aria-label": "Curves" });
  const table = el("div");
  const details = el(
    "details", {}, el("summary", {}, "The same data as a table"), table,
  );
  const sets = Object.entries(run.sets).map(([value, set]) => ({ value, text: set.title })).reverse();
  /** @type {number[] | null} */
  let view = null;

  function drawControls() {
    const set = run.sets[state.set];
    const stores = [{ value: "average", text: "Average over stores" },
      ...set.stores.map((name, k) => ({ value: String(k), text: name }))];
    controls.replaceChildren(...[
      sets.length > 1 && segmented("Set", sets, state.set, (value) => {
        state.set = value;
        state.store = "average";
        redraw(true);
      }, "set"),
      segmented("Cost", [{ value: "tokens", text: "Tokens" }, { value: "sequential_tokens", text: "Sequential tokens" }],
        state.cost, (value) => { state.cost = value; view = null; draw(); }, "cost"),
      picker("Store", stores, state.store, (value) => { state.store = value; view = null; draw(); }, "store"),
      segmented("95 % bands", [{ value: "none", text: "No bands" }, { value: "selected", text: "95 % band" }, { value: "all", text: "All bands" }],
        state.bands, (value) => { state.bands = value; view = null; draw(); }, "bands"),
    ].filter((each) => each !== false));
  }

  function drawLegend() {
    legend.replaceChildren(
      ...run.sets[state.set].curves.map((curve) =>
        el("li", {}, el("button", {
          type: "button", "aria-pressed": String(!off.has(curve.name)), "data-curve": curve.name,
          onclick: (/** @type {Event} */ event) => {
            if (!off.delete(curve.name)) off.add(curve.name);
            /** @type {HTMLElement} */ (event.currentTarget).setAttribute("aria-pressed", String(!off.has(curve.name)));
            draw();
          },
        }, sample(look(curve)), el("bdi", {}, curve.name)))),
    );
  }

  /** @param {Curve} curve */
  function look(curve) {
    const c = palette();
    if (curve.kind === "selected") return { colour: c.selected, width: 3, symbol: "circle", size: 9, dash: "solid" };
    if (curve.kind === "round") return { colour: c.round, width: 1.4, symbol: "circle-open", size: 6, dash: "dot" };
    const baselines = run.sets[state.set].curves.filter((each) => each.kind === "baseline");
    const k = baselines.indexOf(curve) % c.baselines.length;
    return { colour: c.baselines[k], width: 1.8, symbol: SYMBOLS[k], size: 8, dash: DASHES[k] };
  }

  function draw() {
    const set = run.sets[state.set];
    const shown = set.curves.filter((curve) => !off.has(curve.name));
    /** @type {object[]} */
    const traces = [];
    const measured = shown.map((curve) => ({ curve, look: look(curve), points: measure(curve) }));
    const banded = measured.filter(({ curve }) => state.bands === "all" || (state.bands === "selected" && curve.kind === "selected"));
    for (const { curve, look: l, points } of banded) {
      const along = [...points].sort((a, b) => a.x - b.x);
      traces.push({
        x: [...along.map((p) => p.x), ...along.map((p) => p.x).reverse()],
        y: [...along.map((p) => p.high), ...along.map((p) => p.low).reverse()],
        fill: "toself", fillcolor: faint(l.colour, curve.kind === "selected" ? 0.13 : 0.05),
        line: { width: 0.6, color: faint(l.colour, 0.5) }, mode: "lines", hoverinfo: "skip", name: `${plain(curve.name)} band`,
      });
    }
    for (const { curve, look: l, points } of [...measured].reverse()) {
      const best = curve.kind === "baseline" ? efficient(points) : points;
      traces.push({
        x: best.map((p) => p.x), y: best.map((p) => p.y), mode: "lines", name: `${plain(curve.name)} line`,
        line: { color: l.colour, width: l.width, dash: l.dash }, hoverinfo: "skip",
      }, {
        x: points.map((p) => p.x), y: points.map((p) => p.y), mode: "markers", name: plain(curve.name),
        marker: { color: l.colour, size: l.size, symbol: l.symbol,
          opacity: points.map((p) => (best.includes(p) ? 1 : 0.3)) },
        text: points.map(hover), hovertemplate: "%{text}<extra></extra>",
      });
    }
    const all = measured.flatMap(({ points }) => points);
    const xs = all.map((p) => p.x).filter((x) => x > 0);
    const [low, high] = xs.length ? [Math.min(...xs), Math.max(...xs)] : [1, 10];
    const pad = 0.05 * Math.log10(high / low || 10);
    const ys = [...all.map((p) => p.y), ...banded.flatMap(({ points }) => points.flatMap((p) => [p.low, p.high]))];
    const room = Math.max(0.5, 0.08 * (Math.max(...ys) - Math.min(...ys)));
    const whole = [Math.log10(low) - pad, Math.log10(high) + pad,
      Math.max(0, Math.min(...ys) - room), Math.min(100, Math.max(...ys) + room)];
    const [x0, x1, y0, y1] = view ?? whole;
    const name = state.cost === "tokens" ? "tokens for each question (log)" : "sequential tokens for each question (log)";
    plot.setAttribute("aria-label",
      `${set.title}: accuracy over ${name}, ${measured.map(({ curve }) => curve.name).join(", ")}. The table below has the same data.`);
    const drawing = Plotly.react(plot, traces,
      layout({ type: "log", title: name, range: [x0, x1], ...logTicks(low, high) },
        { title: "accuracy, %", range: [y0, y1] }), CONFIG);
    drawing.then(listen);
    drawTable(measured);
  }

  /** @param {Curve} curve */
  function measure(curve) {
    return curve.points.map((point) => {
      const store = state.store === "average" ? null : point.stores[Number(state.store)];
      const from = store ?? point;
      const y = store ? store.accuracy : point.accuracy.mean;
      const [low, high] = store ? [store.accuracy_low, store.accuracy_high] : [point.accuracy.low, point.accuracy.high];
      const tokens = from.tokens;
      const sequential = from.sequential_tokens;
      return { label: curve.kind === "baseline" ? point.label : curve.name, beta: point.beta, x: state.cost === "tokens" ? tokens : sequential,
        y, low, high, tokens, sequential, saved: from.saved };
    });
  }

  /** @param {ReturnType<typeof measure>[number]} p */
  function hover(p) {
    return `<b>${plain(p.label)}</b>${atBeta(p.beta)}<br>${fixed(p.y, 2)} % (${fixed(p.low, 1)} to ${fixed(p.high, 1)})<br>` +
      `${grouped(p.tokens)} tokens, ${fixed(p.saved, 1)} % saved<br>${grouped(p.sequential)} sequential`;
  }

  /** @param {{curve: Curve, points: ReturnType<typeof measure>}[]} measured */
  function drawTable(measured) {
    const heads = ["controller", "β", "accuracy %", "95 % CI", "tokens", "sequential", "saved %"];
    table.replaceChildren(el("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "Frontiers as a table" },
      el("table", { class: "numbers", "data-table": "frontiers" },
        el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
        el("tbody", {}, ...measured.flatMap(({ curve, points }) => points.map((p) =>
          el("tr", { class: curve.kind === "selected" ? "selected" : null },
            el("th", { scope: "row" }, el("bdi", {}, p.label)),
            el("td", {}, p.beta === null ? "" : data(p.beta, String(p.beta))),
            el("td", {}, data(p.y, fixed(p.y, 2))),
            el("td", {}, data(p.low, fixed(p.low, 1)), " to ", data(p.high, fixed(p.high, 1))),
            el("td", {}, data(p.tokens, grouped(p.tokens))),
            el("td", {}, data(p.sequential, grouped(p.sequential))),
            el("td", {}, data(p.saved, fixed(p.saved, 1))))))))));
  }

  /** @param {number} factor */
  function zoom(factor) {
    const [x0, x1, y0, y1] = current();
    const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
    view = [x - factor * (x - x0), x + factor * (x1 - x), y - factor * (y - y0), y + factor * (y1 - y)];
    draw();
  }

  function current() {
    const { xaxis, yaxis } = /** @type {any} */ (plot)._fullLayout;
    return [...xaxis.range, ...yaxis.range];
  }

  let listening = false;
  function listen() {
    if (listening) return;
    listening = true;
    const events = /** @type {any} */ (plot);
    events.on("plotly_relayout", (/** @type {any} */ change) => {
      if ("xaxis.range[0]" in change || "yaxis.range[0]" in change) view = current();
    });
  }

  /** @param {boolean} fresh */
  function redraw(fresh) {
    if (fresh) view = null;
    drawControls();
    drawLegend();
    draw();
  }

  const zooms = el("div", { class: "buttons", role: "group", "aria-label": "Zoom" },
    el("button", { type: "button", class: "icon", "aria-label": "Zoom in", "data-control": "zoom-in", onclick: () => zoom(0.6) }, "+"),
    el("button", { type: "button", class: "icon", "aria-label": "Zoom out", "data-control": "zoom-out", onclick: () => zoom(1 / 0.6) }, "−"),
    el("button", { type: "button", "data-control": "zoom-reset", onclick: () => { view = null; draw(); } }, "Reset zoom"));
  root.append(controls, el("div", { class: "legend-row" }, legend, zooms), el("figure", {}, plot), details);
  keepDrawn(plot, () => redraw(false));
}

/**
 * The points that no other one beats, the cheapest first: how a sweep over several options counts.
 * @template {{x: number, y: number}} Point
 * @param {Point[]} points
 */
function efficient(points) {
  let best = -Infinity;
  return [...points].sort((a, b) => a.x - b.x || b.y - a.y).filter((p) => {
    const beats = p.y > best;
    best = Math.max(best, p.y);
    return beats;
  });
}

/**
 * A line with its mark, as in a plot.
 * @param {{colour: string, width: number, dash: string, symbol: string}} look
 */
function sample(look) {
  const dash = { dash: "5 3", dot: "2 3", dashdot: "5 2 1 2", longdash: "8 3", longdashdot: "8 2 1 2" }[look.dash] ?? "";
  const shapes = /** @type {{[symbol: string]: string}} */ ({
    square: "M9 1h8v8h-8z", diamond: "M13 0l5 5-5 5-5-5z", "triangle-up": "M13 0l5 9H8z",
    cross: "M11 0h4v3h3v4h-3v3h-4V7H8V3h3z", x: "M9 1l4 3 4-3 1 1-4 3 4 3-1 1-4-3-4 3-1-1 4-3-4-3z",
  });
  const open = look.symbol === "circle-open";
  return svg(26, 10, [
    ["path", { d: "M0 5H26", stroke: look.colour, "stroke-width": look.width, "stroke-dasharray": dash }],
    ["path", { d: shapes[look.symbol] ?? "M13 1a4 4 0 1 0 .01 0z", fill: open ? "none" : look.colour, stroke: look.colour }],
  ]);
}
