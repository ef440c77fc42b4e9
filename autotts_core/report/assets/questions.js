/**
 * Questions by controllers: how often right, what it cost, what changed against SC@64.
 * @param {HTMLElement} root
 * @param {Run} run
 * @param {(set: string, store: string, question: number, label: string, beta: number | null) => void} open
 */
function questions(root, run, open) {
  const state = { set: run.decisive, store: 0, shown: "all", words: "", sort: "question", descending: false };
  const controls = el("div", { class: "controls" });
  const place = el("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "Questions" });
  const count = el("p", { class: "caption", role: "status", "data-part": "count" });
  const embedded = new Set(run.cases.flatMap((each) => each.episodes.map((e) => key(each.set, each.store, each.question, e.controller, e.beta))));

  /** @param {...unknown} parts */
  function key(...parts) {
    return JSON.stringify(parts);
  }

  const FILTERS = [
    { value: "all", text: "All questions" },
    { value: "lost", text: "Lost against SC@64" },
    { value: "saved", text: "Saved against SC@64" },
    { value: "never", text: "Never right" },
    { value: "mixed", text: "Sometimes right" },
    { value: "always", text: "Always right" },
  ];

  function drawControls() {
    const set = run.sets[state.set];
    controls.replaceChildren(
      segmented("Set", Object.entries(run.sets).map(([value, each]) => ({ value, text: each.title })).reverse(), state.set,
        (value) => { state.set = value; state.store = 0; state.sort = "question"; state.descending = false; drawControls(); draw(); }, "questions-set"),
      picker("Store", set.stores.map((text, k) => ({ value: String(k), text })), String(state.store),
        (value) => { state.store = Number(value); draw(); }, "questions-store"),
      picker("Show", FILTERS, state.shown, (value) => { state.shown = value; draw(); }, "questions-filter"),
      el("label", {}, "Search", el("input", {
        type: "search", "data-control": "questions-search", placeholder: "id, text or answer", value: state.words,
        oninput: (/** @type {Event} */ event) => { state.words = /** @type {HTMLInputElement} */ (event.target).value; draw(); },
      })),
    );
  }

  /**
   * @param {QuestionStore} store
   * @param {number} q
   */
  function wanted(store, q) {
    const accuracy = store.columns[0].accuracy[q];
    const reference = store.reference?.accuracy[q] ?? accuracy;
    const kinds = /** @type {{[shown: string]: boolean}} */ ({
      all: true, lost: accuracy < reference, saved: accuracy > reference,
      never: accuracy === 0, always: accuracy === 100, mixed: accuracy > 0 && accuracy < 100,
    });
    if (!kinds[state.shown]) return false;
    const words = state.words.trim().toLowerCase();
    return !words || [String(q), store.ids[q], store.texts[q], store.gold[q]].some((text) => text?.toLowerCase().includes(words));
  }

  /**
   * What a row is sorted by.
   * @param {QuestionStore} store
   * @param {number} q
   */
  function rank(store, q) {
    if (state.sort === "question") return [q];
    const [k, what] = state.sort.split(" ");
    const column = store.columns[Number(k)];
    const reference = store.reference?.accuracy[q] ?? 0;
    const by = { accuracy: column.accuracy[q], tokens: column.tokens[q], change: column.accuracy[q] - reference }[what] ?? 0;
    return [by, q];
  }

  function draw() {
    const { columns, stores } = run.sets[state.set].questions;
    const store = stores[state.store];
    const rows = store.ids.map((_, q) => q).filter((q) => wanted(store, q));
    rows.sort((a, b) => {
      const [x, y] = [rank(store, a), rank(store, b)];
      return (state.descending ? -1 : 1) * (x[0] - y[0]) || a - b;
    });
    const sorts = ["accuracy", "tokens", "change"];
    place.replaceChildren(el("table", { class: "numbers grid", "data-table": "questions" },
      el("thead", {}, el("tr", {}, head("question", "question"),
        ...columns.map((column, k) => {
          const of = state.sort.startsWith(`${k} `) ? state.sort.split(" ")[1] : null;
          const cell = head(of ? `${column.name}, by ${of}` : column.name, `${k} ${of ?? "accuracy"}`, () => {
            // Down and up by accuracy, then by tokens, then by what changed.
            if (!of) return [`${k} accuracy`, true];
            if (state.descending) return [state.sort, false];
            return [`${k} ${sorts[(sorts.indexOf(of) + 1) % sorts.length]}`, true];
          });
          return cell;
        }))),
      el("tbody", {}, ...rows.map((q) => row(store, columns, q)))));
    count.replaceChildren(`${rows.length} of ${store.ids.length} questions. In each cell: how often right, mean tokens, points against SC@64. Underlined cells have their episode in this file.`);
  }

  /**
   * @param {string} text
   * @param {string} sort
   * @param {() => [string, boolean]} [next]
   */
  function head(text, sort, next) {
    const active = state.sort === sort;
    const arrow = active ? (state.descending ? " ↓" : " ↑") : "";
    return el("th", { scope: "col", "aria-sort": active ? (state.descending ? "descending" : "ascending") : null },
      el("button", {
        type: "button", "data-sort": sort,
        onclick: () => {
          [state.sort, state.descending] = next ? next() : ["question", active && !state.descending];
          draw();
          /** @type {HTMLElement | null} */ (place.querySelector(`[data-sort="${state.sort}"]`))?.focus();
        },
      }, el("bdi", {}, text), arrow));
  }

  /**
   * @param {QuestionStore} store
   * @param {Questions["columns"]} columns
   * @param {number} q
   */
  function row(store, columns, q) {
    const id = store.ids[q] === String(q) ? String(q) : `${q} (${store.ids[q]})`;
    const text = store.texts[q] ?? "";
    return el("tr", { "data-question": q },
      el("th", { scope: "row", title: text }, el("b", {}, el("bdi", {}, id)), " ", el("bdi", { class: "muted" }, text.slice(0, 120))),
      ...columns.map((column, k) => {
        const accuracy = store.columns[k].accuracy[q];
        const tokens = store.columns[k].tokens[q];
        const change = store.reference ? accuracy - store.reference.accuracy[q] : 0;
        const here = embedded.has(key(state.set, store.name, q, column.label, column.beta));
        return el("td", {}, el("button", {
          type: "button", class: here ? "cell embedded" : "cell", style: colours(accuracy),
          "aria-label": `Question ${q}, ${column.name}: right in ${fixed(accuracy, 0)} %, ${grouped(tokens)} tokens, ${signed(change, 0)} points`,
          onclick: () => open(state.set, store.name, q, column.label, column.beta),
        },
        el("span", { class: "tokens" }, data(tokens, short(tokens))),
        el("span", {}, data(accuracy, fixed(accuracy, 0)), " %"),
        el("span", { class: "change" }, change ? el("span", {}, change > 0 ? "▲ " : "▼ ", data(change, signed(change, 0))) : "\u00a0")));
      }));
  }

  root.append(controls, count, place);
  drawControls();
  draw();
  drawn.set(place, draw);
}

/**
 * From blue-green (always right) to orange (never), which all kinds of colour vision tell apart;
 * the number stands in the cell as well.
 * @param {number} accuracy
 */
function colours(accuracy) {
  const dark = isDark();
  const [wrong, middle, right] = dark
    ? [[74, 38, 14], [40, 44, 50], [8, 66, 56]]
    : [[253, 222, 196], [246, 247, 248], [196, 234, 222]];
  const t = accuracy / 100;
  const mix = (/** @type {number[]} */ a, /** @type {number[]} */ b, /** @type {number} */ s) => a.map((x, k) => Math.round(x + s * (b[k] - x)));
  const [r, g, b] = t < 0.5 ? mix(wrong, middle, 2 * t) : mix(middle, right, 2 * t - 1);
  return { background: `rgb(${r}, ${g}, ${b})` };
}
