/** What all plots share: colours after Okabe and Ito's palette, axes, hover, zoom. */

const LIGHT = {
  selected: "#0067b8",
  baselines: ["#b36b00", "#00805d", "#a8437c", "#c43c00", "#6f6200", "#5b6470", "#7047b8"],
  round: "#7b8896", ink: "#17191c", muted: "#565d68", line: "#e3e6ea", paper: "#ffffff",
};
const DARK = {
  selected: "#5cb3ff",
  baselines: ["#f0a830", "#35c99c", "#e592c2", "#ff8450", "#e2d34e", "#b6bdc6", "#b79cf0"],
  round: "#8794a3", ink: "#e8eaed", muted: "#a5adb8", line: "#2b313a", paper: "#111418",
};
const SYMBOLS = ["square", "diamond", "triangle-up", "cross", "x", "star", "hexagon"];
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid"];

function isDark() {
  const theme = document.documentElement.dataset.theme;
  return theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
}

function palette() {
  return isDark() ? DARK : LIGHT;
}

/** @type {Map<HTMLElement, () => void>} plots on the page, and how each is drawn again */
const drawn = new Map();

/**
 * Draw a plot now and whenever colours change.
 * @param {HTMLElement} node
 * @param {() => void} draw
 */
function keepDrawn(node, draw) {
  drawn.set(node, draw);
  if (typeof Plotly !== "undefined") draw();
}

/** Run the plotting library, which the page carries as text, and draw what waits for it. */
function startPlotting() {
  const code = document.createElement("script");
  code.textContent = document.getElementById("plotting")?.textContent ?? "";
  document.head.append(code);
  redrawAll();
  document.documentElement.dataset.plotted = "true";
}

function redrawAll() {
  for (const [node, draw] of drawn) {
    if (node.classList.contains("plot") && typeof Plotly === "undefined") continue;
    if (node.isConnected) draw();
    else drawn.delete(node);
  }
}

/**
 * Text that the plotting library shows as it is: it reads a little HTML otherwise.
 * @param {string} text
 */
function plain(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/**
 * @param {string} colour such as #0067b8
 * @param {number} alpha
 */
function faint(colour, alpha) {
  const [r, g, b] = [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

/**
 * @param {object} x the x axis' own settings
 * @param {object} y the y axis' own settings
 * @param {object} [more]
 */
function layout(x, y, more = {}) {
  const c = palette();
  const axis = {
    gridcolor: c.line, linecolor: c.muted, tickcolor: c.muted, zeroline: false, showline: true,
    ticks: "outside", ticklen: 4, automargin: true, tickfont: { size: 12, color: c.muted },
  };
  /** @param {string} text */
  const title = (text) => ({ text, font: { size: 12.5, color: c.muted }, standoff: 10 });
  /** @param {any} own */
  const styled = (own) => ({ ...axis, ...own, ...(own.title ? { title: title(own.title) } : {}) });
  return {
    xaxis: styled(x), yaxis: styled(y), paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", size: 12.5, color: c.ink },
    margin: { l: 52, r: 14, t: 30, b: 46 }, modebar: { bgcolor: "rgba(0,0,0,0)", color: c.muted, activecolor: c.ink }, showlegend: false, hovermode: "closest", dragmode: "zoom",
    hoverlabel: { bgcolor: c.paper, bordercolor: c.muted, font: { color: c.ink, size: 12.5 }, align: "left" },
    ...more,
  };
}

/** For the plot that one looks into. */
const CONFIG = {
  displaylogo: false, responsive: true, displayModeBar: true,
  modeBarButtons: [["zoom2d", "pan2d", "toImage"]],
  toImageButtonOptions: { format: "svg" },
};
/** For small plots. */
const STILL = { displayModeBar: false, responsive: true };

/**
 * Nice values for a logarithmic axis from `low` to `high`.
 * @param {number} low
 * @param {number} high
 */
function logTicks(low, high) {
  const steps = high / low > 60 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const step of steps) ticks.push(step * 10 ** power);
  }
  return { tickvals: ticks, ticktext: ticks.map((tick) => short(tick).replace(".0", "")) };
}
