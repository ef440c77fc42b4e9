const SMALL = { margin: { l: 46, r: 14, t: 10, b: 44 } };

/**
 * How the run got there: value of each proposal, candidates over time, money over time.
 * @param {HTMLElement} root
 * @param {Run} run
 */
function trajectory(root, run) {
  const scored = run.trajectory.filter((row) => row.accuracy !== null);
  const chosen = scored.find((row) => row.entry === run.selection.selected);
  const accuracy = figure("Accuracy at the best β", "◆ held-out");
  const value = figure("Value by the selection rule", "line: best so far");
  const effort = figure(run.progress.length ? "Candidates tried" : "Proposals", "over time exploring");
  root.append(el("div", { class: "plots three" }, accuracy.figure, value.figure, effort.figure));

  keepDrawn(accuracy.plot, () => {
    const c = palette();
    const traces = [{
      x: scored.map((row) => row.entry), y: scored.map((row) => row.accuracy), mode: "lines+markers", name: "search",
      line: { color: c.round, width: 1.5 }, marker: { size: 8, color: scored.map((row) => (row === chosen ? c.selected : c.round)) },
      text: scored.map((row) => `entry ${row.entry}${atBeta(row.beta)}<br>${fixed(row.accuracy ?? 0, 2)} % for ${grouped(row.tokens ?? 0)} tokens`),
      hovertemplate: "%{text}<extra></extra>",
    },
    ...run.held_out.filter((p) => p.point === "best").map((p) => ({
      x: [chosen?.entry], y: [p.accuracy.mean], mode: "markers", name: "held-out",
      marker: { symbol: "diamond", size: 11, color: c.selected },
      error_y: { type: "data", symmetric: false, array: [p.accuracy.high - p.accuracy.mean], arrayminus: [p.accuracy.mean - p.accuracy.low], color: c.selected, thickness: 1.5 },
      text: [`held-out, entry ${chosen?.entry}${atBeta(p.beta)}<br>${fixed(p.accuracy.mean, 2)} % (${fixed(p.accuracy.low, 1)} to ${fixed(p.accuracy.high, 1)})`],
      hovertemplate: "%{text}<extra></extra>",
    }))];
    describe(accuracy.plot, "Accuracy of each proposal", scored.map((row) => `${row.entry}: ${fixed(row.accuracy ?? 0, 2)} %`));
    Plotly.react(accuracy.plot, traces, layout({ type: "category", title: "entry" }, { title: "accuracy, %" }, SMALL), STILL);
  });

  keepDrawn(value.plot, () => {
    const c = palette();
    const known = scored.filter((row) => row.value !== null);
    /** @type {number[]} */
    const best = [];
    for (const row of known) best.push(Math.max(best[best.length - 1] ?? -Infinity, row.value ?? -Infinity));
    const traces = [
      { x: known.map((row) => row.entry), y: best, mode: "lines", line: { shape: "hv", color: c.selected, width: 2 }, name: "best so far", hoverinfo: "skip" },
      { x: known.map((row) => row.entry), y: known.map((row) => row.value), mode: "markers", name: "value",
        marker: { size: 8, color: known.map((row) => (row === chosen ? c.selected : c.round)) },
        text: known.map((row) => `entry ${row.entry}: ${fixed(row.value ?? 0, 2)}`), hovertemplate: "%{text}<extra></extra>" },
    ];
    describe(value.plot, "Value of each proposal", known.map((row) => `${row.entry}: ${fixed(row.value ?? 0, 2)}`));
    Plotly.react(value.plot, traces, layout({ type: "category", title: "entry" }, { title: "value, %" }, SMALL), STILL);
  });

  keepDrawn(effort.plot, () => {
    const c = palette();
    const timed = run.rounds.filter((row) => row.seconds !== null);
    const [x, y] = run.progress.length
      ? [run.progress.map((p) => p.seconds), run.progress.map((p) => p.candidates)]
      : [timed.map((row) => row.seconds ?? 0), timed.map((_, k) => timed.slice(0, k + 1).reduce((sum, row) => sum + row.proposals, 0))];
    const minutes = Math.max(0, ...x) > 180;
    const scale = minutes ? 60 : 1;
    const traces = [
      { x: [0, ...x.map((s) => s / scale)], y: [0, ...y], mode: x.length > 30 ? "lines" : "lines+markers", line: { color: c.selected, width: 2, shape: "hv" }, marker: { size: 5 },
        hovertemplate: `%{y:,} after %{x:.1f} ${minutes ? "min" : "s"}<extra></extra>` },
    ];
    let dollars = 0;
    const money = timed.map((row) => (dollars += row.dollars));
    if (dollars > 0) {
      traces.push(/** @type {any} */ ({ x: [0, ...timed.map((row) => (row.seconds ?? 0) / scale)], y: [0, ...money], yaxis: "y2", mode: "lines+markers",
        line: { color: c.baselines[0], width: 2, dash: "dash" }, hovertemplate: "$%{y:.2f}<extra></extra>" }));
    }
    describe(effort.plot, "Effort over time", [`${grouped(y[y.length - 1] ?? 0)} in ${fixed((x[x.length - 1] ?? 0) / scale, 1)} ${minutes ? "minutes" : "seconds"}`]);
    const second = dollars > 0 ? { yaxis2: { overlaying: "y", side: "right", title: { text: "dollars", font: { color: c.muted } }, tickfont: { color: c.muted }, showgrid: false, rangemode: "tozero" } } : {};
    Plotly.react(effort.plot, traces, layout({ title: minutes ? "minutes exploring" : "seconds exploring", rangemode: "tozero" },
      { title: run.progress.length ? "candidates" : "proposals", rangemode: "tozero", tickformat: ",d", nticks: 6 }, { ...SMALL, ...second }), STILL);
  });
}

/**
 * The selected controller's parameters over β, each in a plot of its own.
 * @param {HTMLElement} root
 * @param {Run} run
 */
function schedule(root, run) {
  const { betas, parameters } = run.schedule;
  const names = Object.keys(parameters);
  if (!names.length) return;
  const place = el("div", { class: "multiples" });
  root.append(el("h3", {}, "Schedule"), place);
  for (const name of names) {
    const plot = el("div", { class: "plot", "data-plot": "schedule" });
    const values = parameters[name].map(Number);
    const [first, last] = [values[0], values[values.length - 1]];
    place.append(el("figure", {}, el("figcaption", {}, name, el("span", { class: "muted" }, first === last ? ` ${first}` : ` ${first} → ${last}`)), plot));
    describe(plot, `${name} over β`, [`${first} at β = 0`, `${last} at β = 1`]);
    keepDrawn(plot, () => {
      Plotly.react(plot, [{ x: betas, y: values, mode: "lines",
        line: { color: palette().selected, width: 2, shape: values.every(Number.isInteger) ? "hv" : "linear" },
        hovertemplate: "β = %{x:.2f}: %{y}<extra></extra>" }],
      layout({ range: [-0.02, 1.02], tickvals: [0, 0.5, 1] }, { nticks: 4, rangemode: Math.min(...values) < 0 ? "normal" : "tozero" },
        { margin: { l: 34, r: 8, t: 6, b: 22 } }), STILL);
    });
  }
}

/**
 * @param {string} title
 * @param {string} note
 */
function figure(title, note) {
  const plot = el("div", { class: "plot small" });
  return { plot, figure: el("figure", {}, el("figcaption", {}, title, el("span", { class: "muted" }, ` ${note}`)), plot) };
}

/**
 * @param {HTMLElement} plot
 * @param {string} title
 * @param {string[]} values
 */
function describe(plot, title, values) {
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", `${title}: ${values.join("; ")}`);
}
