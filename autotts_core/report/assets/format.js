/**
 * Numbers as Python's `format` writes them, so that the page says what the terminal says.
 */

/**
 * `value` with `digits` decimals; of two that are as near, the even one.
 * @param {number} value
 * @param {number} digits
 * @returns {string}
 */
function fixed(value, digits) {
  const text = minus(value.toFixed(digits));
  const exact = minus(value.toFixed(Math.min(100, digits + 40)));
  const tie = /^50*$/.test(exact.slice(exact.indexOf(".") + 1 + digits));
  if (!tie) return text;
  const down = exact.slice(0, exact.indexOf(".") + (digits ? 1 + digits : 0));
  // `toFixed` goes away from zero.
  return Number(down[down.length - 1]) % 2 === 0 ? down : text;
}

/**
 * With the sign that is as wide as a plus.
 * @param {string} text
 */
function minus(text) {
  return text.replace("-", "\u2212");
}

/**
 * With commas between thousands.
 * @param {number} value
 * @param {number} [digits]
 */
function grouped(value, digits = 0) {
  const [whole, fraction] = fixed(value, digits).split(".");
  const commas = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? commas : `${commas}.${fraction}`;
}

/**
 * @param {number} value
 * @param {number} digits
 */
function signed(value, digits) {
  const text = fixed(value, digits);
  return text.startsWith("\u2212") ? text : `+${text}`;
}

/**
 * Tokens where there is little room: 853, 12.4k, 1.2M.
 * @param {number} tokens
 */
function short(tokens) {
  if (tokens >= 999_500) return `${fixed(tokens / 1e6, 1)}M`;
  if (tokens >= 99_950) return `${fixed(tokens / 1e3, 0)}k`;
  return tokens >= 1000 ? `${fixed(tokens / 1e3, 1)}k` : fixed(tokens, 0);
}

/**
 * @param {number | null} beta
 * @returns {string} such as " β = 0.5", empty for a controller that does not depend on it
 */
function atBeta(beta) {
  return beta === null ? "" : ` β = ${beta}`;
}
