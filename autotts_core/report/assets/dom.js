/**
 * An element. Whatever is given as text stays text: nothing here reads HTML.
 * @param {string} name
 * @param {{[key: string]: any}} [attributes] those that begin with "on" are listeners
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "style") Object.assign(node.style, value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/**
 * A small drawing that says nothing to a screen reader.
 * @param {number} width
 * @param {number} height
 * @param {[string, {[key: string]: string | number}][]} shapes
 */
function svg(width, height, shapes) {
  const space = "http://www.w3.org/2000/svg";
  const node = document.createElementNS(space, "svg");
  for (const [key, value] of Object.entries({ width, height, "aria-hidden": "true" })) node.setAttribute(key, String(value));
  for (const [name, attributes] of shapes) {
    const shape = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, String(value));
    node.append(shape);
  }
  return node;
}

/**
 * A number with its full precision for programs.
 * @param {number} value
 * @param {string} text
 */
function data(value, text) {
  return el("data", { value }, text);
}

/**
 * A labelled `select`.
 * @param {string} label
 * @param {{value: string, text: string, group?: string}[]} options
 * @param {string} value
 * @param {(value: string) => void} changed
 * @param {string} control a name for tests and scripts
 */
function picker(label, options, value, changed, control) {
  const select = /** @type {HTMLSelectElement} */ (el("select", { "data-control": control }));
  /** @type {Map<string, HTMLElement>} */
  const groups = new Map();
  for (const option of options) {
    const node = el("option", { value: option.value }, option.text);
    if (option.group === undefined) {
      select.append(node);
    } else {
      if (!groups.has(option.group)) {
        groups.set(option.group, el("optgroup", { label: option.group }));
        select.append(/** @type {HTMLElement} */ (groups.get(option.group)));
      }
      groups.get(option.group)?.append(node);
    }
  }
  select.value = value;
  select.addEventListener("change", () => changed(select.value));
  return el("label", {}, label, select);
}

/**
 * Buttons of which one is pressed.
 * @param {string} label
 * @param {{value: string, text: string}[]} options
 * @param {string} value
 * @param {(value: string) => void} changed
 * @param {string} control
 */
function segmented(label, options, value, changed, control) {
  const buttons = options.map((option) =>
    el(
      "button",
      {
        type: "button",
        "data-value": option.value,
        "aria-pressed": String(option.value === value),
        onclick: () => {
          for (const each of buttons) {
            each.setAttribute("aria-pressed", String(each.dataset.value === option.value));
          }
          changed(option.value);
        },
      },
      option.text,
    ),
  );
  return el("div", { class: "segmented", role: "group", "aria-label": label, "data-control": control }, ...buttons);
}

/**
 * Say something to the reader, seen and heard.
 * @param {string} text
 */
function say(text) {
  const place = document.querySelector("[data-part=said]");
  if (!place) return;
  place.textContent = text;
  setTimeout(() => {
    if (place.textContent === text) place.textContent = "";
  }, 2500);
}

/**
 * @param {string} text
 * @param {string} what
 */
async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A file opened from the disk may not be allowed to use the clipboard directly.
    const area = /** @type {HTMLTextAreaElement} */ (el("textarea", { "aria-hidden": "true" }));
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`${what} copied`);
}
