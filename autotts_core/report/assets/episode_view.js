/** The episode viewer: two controllers on the same branches, step by step. */

/** Colours of answers that are not right, in order; the right one is green. */
const WRONG = ["#e69f00", "#56b4e9", "#cc79a7", "#f0e442", "#0072b2", "#d55e00", "#882255", "#bbbbbb"];
const WHITE_ON = ["#0072b2", "#d55e00", "#882255"];
const RIGHT = "#00805d";
const SPEEDS = { slow: 900, normal: 300, fast: 80 };

/**
 * @param {HTMLElement} root
 * @param {Run} run
 * @returns {{open: (set: string, store: string, question: number, label: string, beta: number | null) => void}}
 */
function episodes(root, run) {
  if (!run.cases.length) {
    root.append(el("p", { class: "note" }, "No episode is in this file: the stores that they would be replayed from were not there."));
    return { open: () => root.scrollIntoView() };
  }
  const state = { case: 0, sides: [0, 1], step: 0, playing: 0, speed: "normal" };
  const pickers = el("div", { class: "controls" });
  const text = el("div", { class: "question-text", tabindex: "0", role: "region", "aria-label": "The question", "data-part": "question" });
  const truth = el("p", { class: "truth", "data-part": "truth" });
  const missing = el("p", { class: "note", hidden: true, "data-part": "missing" });
  const range = /** @type {HTMLInputElement} */ (el("input", { type: "range", min: "0", value: "0", "aria-label": "Step", "data-control": "step" }));
  const output = el("output", { "data-part": "step" });
  const play = el("button", { type: "button", class: "icon", "data-control": "play", "aria-label": "Play", onclick: toggle }, icon("play"));
  const sides = el("div", { class: "sides" });
  const stepper = el("div", { class: "stepper", role: "group", "aria-label": "Steps" },
    step("first", "start", "To the start", () => go(0)), step("back", "back", "Step back", () => go(state.step - 1)), play,
    step("forward", "forward", "Step forward", () => go(state.step + 1)), step("last", "end", "To the end", () => go(longest())),
    range, output,
    picker("Speed", Object.keys(SPEEDS).map((value) => ({ value, text: value })), state.speed, (value) => { state.speed = value; if (state.playing) { stop(); start(); } }, "speed"));
  const command = el("pre", { class: "plain", tabindex: "0", "aria-label": "Command that draws this episode", "data-part": "command" });
  const viewer = el("div", { class: "viewer", "data-part": "viewer" }, pickers, text, truth, missing, stepper, sides,
    el("p", { class: "legend-line" },
      "┃ finished, × pruned, ▸ running. Hatched: passed without probing. Dashed: no answer. Grey: rarer answers. " +
      "A step is what a controller asked for at once; the arrow keys step, the space bar plays."),
    el("div", { class: "command" }, command, el("button", { type: "button", "data-control": "copy-command", onclick: () => copy(command.textContent ?? "", "Command") }, "Copy")));
  range.addEventListener("input", () => go(Number(range.value)));
  viewer.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (["SELECT", "INPUT"].includes(target.tagName)) return;
    if (event.key === "ArrowLeft") go(state.step - 1);
    else if (event.key === "ArrowRight") go(state.step + 1);
    else if (event.key === " " && target.tagName !== "BUTTON") toggle();
    else return;
    event.preventDefault();
  });

  /**
   * @param {string} name
   * @param {keyof typeof ICONS} sign
   * @param {string} label
   * @param {() => void} act
   */
  function step(name, sign, label, act) {
    return el("button", { type: "button", class: "icon", "data-control": `step-${name}`, "aria-label": label, onclick: () => { stop(); act(); } }, icon(sign));
  }

  function current() {
    return run.cases[state.case];
  }

  function longest() {
    return Math.max(...state.sides.map((k) => current().episodes[k].ends.length));
  }

  /** @param {number} to */
  function go(to) {
    state.step = Math.max(0, Math.min(longest(), to));
    drawStep();
  }

  function toggle() {
    if (state.playing) stop();
    else start();
  }

  function start() {
    if (state.step >= longest()) state.step = 0;
    play.replaceChildren(icon("pause"));
    play.setAttribute("aria-label", "Pause");
    state.playing = window.setInterval(() => {
      go(state.step + 1);
      if (state.step >= longest()) stop();
    }, SPEEDS[/** @type {keyof typeof SPEEDS} */ (state.speed)]);
  }

  function stop() {
    clearInterval(state.playing);
    state.playing = 0;
    play.replaceChildren(icon("play"));
    play.setAttribute("aria-label", "Play");
  }

  /** @param {Case} each */
  function named(each) {
    const ids = run.sets[each.set].questions.stores.find((store) => store.name === each.store)?.ids;
    const id = ids && ids[each.question] !== String(each.question) ? ` (${ids[each.question]})` : "";
    return `${each.store}, question ${each.question}${id}, seed ${each.seed}`;
  }

  /** @param {number} number */
  function choose(number) {
    state.case = number;
    const count = current().episodes.length;
    state.sides = state.sides.map((k) => Math.min(k, count - 1));
    if (state.sides[0] === state.sides[1] && count > 1) state.sides[1] = state.sides[0] ? 0 : 1;
    missing.hidden = true;
    draw();
  }

  /**
   * @param {number} side
   * @param {number} episode
   */
  function setSide(side, episode) {
    stop();
    const ended = state.step === longest();
    state.sides[side] = episode;
    if (ended) state.step = longest();
    drawSides();
  }

  function draw() {
    stop();
    const here = current();
    const options = run.cases.map((each, k) => ({
      value: String(k), text: `${named(each)}${each.why ? "" : verdictMarks(each)}`,
      group: each.why ? run.reasons[each.why] : "More",
      why: each.why ?? "more", set: each.set, store: each.store, seed: each.seed, question: each.question,
    }));
    const reasons = [...new Set(options.map((o) => o.why))].map((why) => ({ value: why, text: run.reasons[why]?.split(":")[0] ?? "More" }));
    const why = here.why ?? "more";
    const stores = unique(run.cases.filter((c) => (c.why ?? "more") === why).map((c) => `${c.store}\u0000${c.set}`));
    const within = options.filter((o) => o.why === why && o.store === here.store && o.set === here.set);
    const numbers = unique(within.map((o) => String(o.question)));
    const seeds = within.filter((o) => o.question === here.question);
    pickers.replaceChildren(
      picker("Chosen because", reasons, why, (value) => choose(options.findIndex((o) => o.why === value)), "reason"),
      picker("Store", stores.map((both) => ({ value: both, text: both.split("\u0000")[0] })), `${here.store}\u0000${here.set}`,
        (value) => choose(options.findIndex((o) => o.why === why && `${o.store}\u0000${o.set}` === value)), "episode-store"),
      picker("Question", numbers.map((q) => ({ value: q, text: questionName(here, Number(q)) })), String(here.question),
        (value) => choose(Number(within.find((o) => String(o.question) === value)?.value)), "episode-question"),
      picker("Seed", seeds.map((o) => ({ value: o.value, text: String(o.seed) })), String(state.case), (value) => choose(Number(value)), "episode-seed"),
      ...["left", "right"].map((side, k) => picker(`Controller, ${side}`,
        here.episodes.map((each, e) => ({ value: String(e), text: `${each.controller}${atBeta(each.beta)}` })), String(state.sides[k]),
        (value) => setSide(k, Number(value)), `controller-${side}`)));
    const store = run.sets[here.set].questions.stores.find((each) => each.name === here.store);
    text.replaceChildren(store?.texts[here.question] ?? "");
    truth.replaceChildren(el("span", { class: "muted" }, "Gold answer: "), el("b", {}, el("bdi", {}, store?.gold[here.question] ?? "")),
      el("span", { class: "muted" }, ` · SC@${here.reference.branches}: ${here.reference.answer ?? "no answer"} (${here.reference.correct ? "right" : "wrong"}), ${grouped(here.reference.tokens)} tokens`));
    state.step = Infinity;
    drawSides();
  }

  /**
   * @param {Case} here
   * @param {number} q
   */
  function questionName(here, q) {
    const ids = run.sets[here.set].questions.stores.find((each) => each.name === here.store)?.ids;
    return ids && ids[q] !== String(q) ? `${q} (${ids[q]})` : String(q);
  }

  /** @param {Case} each */
  function verdictMarks(each) {
    return ` ${each.episodes.map((e) => (e.correct ? "✓" : "✗")).join("")}`;
  }

  /** @type {{node: HTMLElement, draw: (state: EpisodeState) => void}[]} */
  let drawnSides = [];

  function drawSides() {
    const here = current();
    // The same on both sides, so that the rows of a branch are side by side.
    const widest = Math.max(...state.sides.map((k) => stateAt(here.episodes[k], here.delta, Infinity).branches.length));
    drawnSides = state.sides.map((k) => side(here, here.episodes[k], widest > 24 ? 12 : 15));
    sides.replaceChildren(...drawnSides.map((each) => each.node));
    range.max = String(longest());
    state.step = Math.min(state.step, longest());
    const first = current().episodes[state.sides[0]];
    const own = first.controller === "selected" ? `${run.directory}/selected.py` : first.controller.replace(/\((.*)\)$/, ":$1").replace(/, /g, ",");
    command.textContent = `autotts episode --traces ${run.store_paths[current().store]} --question ${current().question} --seed ${current().seed} --controller ${quoted(own)}${option(first.beta)}`;
    drawStep();
  }

  function drawStep() {
    range.value = String(state.step);
    range.setAttribute("aria-valuetext", `step ${state.step} of ${longest()}`);
    output.textContent = `step ${state.step} of ${longest()}`;
    drawnSides.forEach((each, k) => each.draw(stateAt(current().episodes[state.sides[k]], current().delta, state.step)));
  }

  root.append(viewer);
  choose(0);

  return {
    open(set, store, question, label, beta) {
      const found = run.cases.findIndex((each) => each.set === set && each.store === store && each.question === question);
      if (found >= 0) choose(found);
      const here = found >= 0 ? current().episodes.findIndex((e) => e.controller === label && e.beta === beta) : -1;
      if (here >= 0) {
        state.sides = [here, here === state.sides[1] ? state.sides[0] : state.sides[1]];
        if (state.sides[0] === state.sides[1]) state.sides[1] = here ? 0 : Math.min(1, current().episodes.length - 1);
        draw();
      } else {
        const controller = label === "selected" ? `${run.directory}/selected.py` : label;
        missing.hidden = false;
        missing.textContent = `This file does not have question ${question} of ${store} under ${label}${atBeta(beta)}. To draw it: ` +
          `autotts episode --traces ${run.store_paths[store]} --question ${question} --controller ${quoted(controller.replace(/\((.*)\)$/, ":$1").replace(/, /g, ","))}${option(beta)}`;
      }
      viewer.scrollIntoView({ block: "start" });
      /** @type {HTMLElement} */ (stepper.querySelector("button")).focus({ preventScroll: true });
    },
  };
}

/**
 * One controller's side of the viewer.
 * @param {Case} here
 * @param {Episode} episode
 * @param {number} height of a branch's row, in pixels
 */
function side(here, episode, height) {
  const end = stateAt(episode, here.delta, episode.ends.length);
  const depth = Math.max(1, ...here.episodes.flatMap((each) => stateAt(each, here.delta, each.ends.length).branches.map((b) => b.cells.length)));
  const outcome = el("p", { class: "outcome" });
  const spent = el("span");
  const bar = el("i");
  const meter = el("div", { class: "meter", role: "meter", "aria-label": "Tokens against SC@64", "aria-valuemin": "0", "aria-valuemax": "100" }, bar);
  const sequential = el("span");
  const votes = el("tbody");
  const axis = el("div", { class: "axis", "aria-hidden": "true" });
  const rows = el("div", { "data-part": "rows", role: "img" });
  const node = el("article", { class: "side", "data-part": "side" },
    el("h3", {}, el("bdi", {}, episode.controller), el("span", { class: "muted" }, atBeta(episode.beta))), outcome,
    el("div", { class: "running" }, spent, sequential), meter,
    el("div", { class: "picture", tabindex: "0", role: "region", "aria-label": `Branches under ${episode.controller}` }, axis, rows),
    el("table", { class: "numbers votes" }, el("thead", {}, el("tr", {}, el("th", { scope: "col", colspan: "2", style: { textAlign: "left" } }, "answer"),
      el("th", { scope: "col" }, "votes"), el("th", { scope: "col" }, "finished"), el("td", {}))), votes));

  /** @param {EpisodeState} now */
  function draw(now) {
    const ended = now.step === now.steps;
    const answer = episode.answer < 0 ? "no answer" : here.answers[episode.answer].text.slice(0, 80);
    outcome.replaceChildren(...(ended
      ? [el("span", { class: `verdict ${episode.correct ? "right" : "wrong"}` }, `${episode.correct ? "✓ right" : "✗ wrong"}: `), el("bdi", {}, answer),
        el("span", { class: "muted" }, ` · stopped: `), el("bdi", {}, episode.stop)]
      : [el("span", { class: "muted" }, `step ${now.step} of ${now.steps}: ${now.branches.filter((b) => b?.active).length} branches in this step`)]));
    const share = here.reference.tokens ? (100 * now.tokens) / here.reference.tokens : 0;
    spent.replaceChildren(el("b", {}, data(now.tokens, grouped(now.tokens))), ` tokens, ${fixed(share, 1)} % of SC@${here.reference.branches}`);
    sequential.replaceChildren(data(now.sequential, grouped(now.sequential)), " sequential");
    bar.style.width = `${Math.min(100, share)}%`;
    meter.setAttribute("aria-valuenow", fixed(Math.min(100, share), 1));
    meter.setAttribute("aria-valuetext", `${fixed(share, 1)} % of SC@64's tokens`);
    drawPicture(now);
    const top = Math.max(1, ...now.votes.map((vote) => vote.latest));
    votes.replaceChildren(...now.votes.slice(0, 6).map((vote) => el("tr", {},
      el("td", {}, swatch(here, vote.answer, ended && vote.answer === episode.answer)),
      el("td", { class: "answer", title: here.answers[vote.answer].text.slice(0, 300) }, el("bdi", {}, here.answers[vote.answer].text.slice(0, 60)), here.answers[vote.answer].correct ? " ✓" : ""),
      el("td", {}, data(vote.latest, String(vote.latest))), el("td", {}, data(vote.finished, String(vote.finished))),
      el("td", { class: "bar-cell" }, el("i", { style: { width: `${(100 * vote.latest) / top}%` } })))));
  }

  /** @param {EpisodeState} now */
  function drawPicture(now) {
    const room = Math.max(120, (node.clientWidth || 520) - 34 - 16 - 30);
    const width = Math.max(2, Math.min(16, room / depth));
    rows.style.setProperty("--row", `${height}px`);
    rows.setAttribute("aria-label", `${now.branches.length} branches, ${now.branches.filter((b) => b?.finished).length} finished, ${now.branches.filter((b) => b?.pruned).length} pruned`);
    drawAxis(axis, depth, width, here.delta);
    // Branches yet to be opened keep their place, so that nothing jumps.
    rows.replaceChildren(...end.branches.map((_, k) => {
      const branch = now.branches[k];
      const row = el("div", { class: `branch${branch?.active && now.step < now.steps ? " active" : ""}${branch?.pruned ? " pruned" : ""}` }, el("span", { class: "n" }, String(k)));
      if (!branch) return row;
      const segments = segmentsOf(branch.cells);
      segments.forEach(({ answer, length }, s) => {
        // What was passed without probing leads to the answer after it.
        row.append(segment(here, answer, segments[s + 1]?.answer ?? null, length * width, height));
      });
      const [kind, mark] = branch.pruned ? ["cut", "×"] : branch.finished ? ["finished", "┃"] : ["running", "▸"];
      row.append(el("span", { class: `end ${kind}` }, mark));
      row.title = `branch ${k}, number ${here.branches.recorded[k]} in the store: ${grouped(branch.tokens)} of its ${grouped(here.branches.tokens[k])} tokens` +
        (branch.pruned ? `; its end is ${here.branches.final[k] >= 0 && here.answers[here.branches.final[k]].correct ? "right" : "wrong"}` : "");
      return row;
    }));
  }

  return { node, draw };
}

/**
 * @param {Case} here
 * @param {number | null} answer
 * @param {number | null} next the answer that follows
 * @param {number} width
 * @param {number} height
 */
function segment(here, answer, next, width, height) {
  if (answer === null) {
    const color = next === null || next < 0 ? "" : answerColours(here, next).background;
    return el("span", { class: "seg passed", style: { width: `${width}px`, color } });
  }
  if (answer < 0) return el("span", { class: "seg none", style: { width: `${width}px` } });
  const { letter } = here.answers[answer];
  const { background, color } = answerColours(here, answer);
  const shown = letter && width >= 10 && height >= 11 ? letter : "";
  return el("span", { class: letter ? "seg" : "seg rare", "data-answer": answer, style: { width: `${width}px`, background, color } }, shown);
}

/**
 * @param {Case} here
 * @param {number} answer
 */
function answerColours(here, answer) {
  const { letter, correct } = here.answers[answer];
  if (!letter) return { background: "", color: "" };
  if (correct) return { background: RIGHT, color: "#fff" };
  const place = here.answers.slice(0, answer).filter((each) => each.letter && !each.correct).length;
  const background = WRONG[place % WRONG.length];
  return { background, color: WHITE_ON.includes(background) ? "#fff" : "#000" };
}

/**
 * @param {Case} here
 * @param {number} answer
 * @param {boolean} given
 */
function swatch(here, answer, given) {
  return el("span", { class: given ? "swatch answered" : "swatch", style: answerColours(here, answer) }, here.answers[answer].letter || "·");
}

/**
 * @param {HTMLElement} axis
 * @param {number} depth
 * @param {number} width
 * @param {number} delta
 */
function drawAxis(axis, depth, width, delta) {
  const steps = [1, 2, 4, 10, 20, 40, 100, 200, 400, 1000];
  const step = steps.find((each) => each * width >= 44) ?? depth;
  const ticks = [];
  for (let k = 0; k <= depth; k += step) ticks.push(k);
  axis.replaceChildren(...ticks.flatMap((k) => [
    el("span", { style: { left: `${k * width}px` } }, k ? short(k * delta).replace(".0", "") : "0"),
    el("i", { style: { left: `${k * width}px` } }),
  ]));
}

const ICONS = {
  start: "M3 3h2v10H3zM13 3v10L6 8z", back: "M11 3v10L4 8z", play: "M4 3l9 5-9 5z", pause: "M4 3h3v10H4zM9 3h3v10H9z",
  forward: "M4 3l5 5-5 5zM10 3h2v10h-2z", end: "M3 3l7 5-7 5zM11 3h2v10h-2z",
};

/** @param {keyof typeof ICONS} name */
function icon(name) {
  return svg(16, 16, [["path", { d: ICONS[name], fill: "currentColor" }]]);
}

/** @param {number | null} beta */
function option(beta) {
  return beta === null ? "" : ` --beta ${beta}`;
}

/** @param {string[]} values */
function unique(values) {
  return [...new Set(values)];
}

/** @param {string} text */
function quoted(text) {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}
