/** Puts the page together. */

const report = /** @type {{runs: Run[]}} */ (JSON.parse(document.getElementById("report-data")?.textContent ?? "{}"));

/**
 * @param {ParentNode} from
 * @param {string} name
 */
function view(from, name) {
  return /** @type {HTMLElement} */ (from.querySelector(`[data-view="${name}"]`));
}

/**
 * Draw a view when it comes near what is seen, so that a long page opens at once.
 * @param {HTMLElement} place
 * @param {() => void} draw
 */
function whenNear(place, draw) {
  let done = false;
  const once = () => {
    if (!done) {
      done = true;
      draw();
    }
  };
  const observer = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) {
      observer.disconnect();
      once();
    }
  }, { rootMargin: "600px" });
  observer.observe(place);
  addEventListener("beforeprint", once);
  return once;
}

/**
 * @param {HTMLElement} article
 * @param {Run} run
 */
function startRun(article, run) {
  whenNear(view(article, "frontiers"), () => frontiers(view(article, "frontiers"), run));
  whenNear(view(article, "trajectory"), () => trajectory(view(article, "trajectory"), run));
  whenNear(view(article, "schedule"), () => schedule(view(article, "schedule"), run));
  /** @type {ReturnType<typeof episodes> | undefined} */
  let viewer;
  const drawEpisodes = whenNear(view(article, "episodes"), () => {
    viewer = episodes(view(article, "episodes"), run);
  });
  whenNear(view(article, "questions"), () => questions(view(article, "questions"), run, (...wanted) => {
    drawEpisodes();
    viewer?.open(...wanted);
  }));
  article.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("[data-copy]");
    if (!(button instanceof HTMLElement)) return;
    const what = button.dataset.copy ?? "";
    const set = button.dataset.set;
    copy(run.texts[set ? `${set} ${what}` : what], set ? "Table" : what[0].toUpperCase() + what.slice(1));
  });
}

/** @type {Set<string>} */
const started = new Set();

/** @param {string} number */
function showRun(number) {
  for (const article of document.querySelectorAll("article.run")) {
    if (!(article instanceof HTMLElement)) continue;
    article.hidden = article.dataset.run !== number;
    if (!article.hidden && !started.has(number)) {
      started.add(number);
      startRun(article, report.runs[Number(number)]);
    }
  }
  for (const link of document.querySelectorAll("nav [data-section]")) {
    link.setAttribute("href", `#${link.getAttribute("data-section")}-${number}`);
  }
}

/** The selected controllers of several runs in one plot. */
function compared() {
  const place = document.querySelector('[data-view="compared"]');
  if (!(place instanceof HTMLElement)) return;
  const decisive = report.runs.map((run) => run.sets[run.decisive]);
  const same = decisive.every((set) => set.stores.join() === decisive[0].stores.join());
  if (!same) {
    place.append(el("p", { class: "note" }, "These runs were not scored on the same stores, so that their accuracies cannot be compared; their frontiers are drawn over each other all the same."));
  }
  /** @type {Run} */
  const all = {
    ...report.runs[0],
    decisive: "all",
    sets: {
      all: {
        ...decisive[0],
        title: "Selected controllers",
        stores: same ? decisive[0].stores : [],
        curves: report.runs.flatMap((run, k) => decisive[k].curves.filter((curve) => curve.kind === "selected")
          .map((curve) => ({ ...curve, kind: /** @type {"baseline"} */ ("baseline"), name: run.name,
            points: curve.points.map((point) => ({ ...point, label: run.name })) }))),
      },
    },
  };
  frontiers(place, all);
}

const THEMES = /** @type {const} */ (["auto", "light", "dark"]);

function theme() {
  const button = document.querySelector("[data-control=theme]");
  const name = document.querySelector("[data-part=theme]");
  const words = { auto: "System", light: "Light", dark: "Dark" };
  /** @param {typeof THEMES[number]} chosen */
  const set = (chosen) => {
    document.documentElement.dataset.theme = chosen;
    if (name) name.textContent = words[chosen];
    button?.setAttribute("aria-label", `Colours: ${chosen === "auto" ? "as the system" : chosen}`);
    redrawAll();
  };
  button?.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(/** @type {any} */ (document.documentElement.dataset.theme)) + 1) % THEMES.length];
    try {
      localStorage.setItem("autotts-theme", next);
    } catch {
      // A file opened from the disk may have nowhere to keep it.
    }
    set(next);
  });
  try {
    const kept = /** @type {any} */ (localStorage.getItem("autotts-theme"));
    if (THEMES.includes(kept)) set(kept);
  } catch {
    // As above.
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
}

/** Marks in the navigation which section is seen. */
function followSections() {
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of document.querySelectorAll("nav a")) {
        if (link.getAttribute("href") === `#${entry.target.id}`) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }
  }, { rootMargin: "-30% 0px -60% 0px" });
  for (const section of document.querySelectorAll("section.panel")) observer.observe(section);
}

theme();
compared();
showRun("0");
followSections();
document.querySelector("[data-control=run]")?.addEventListener("change", (event) => showRun(/** @type {HTMLSelectElement} */ (event.target).value));
document.documentElement.dataset.ready = "true";
// After what is there has been painted.
requestAnimationFrame(() => setTimeout(startPlotting));
