/**
 * From an embedded episode to what had happened by any of its steps. A step is a batch: what the
 * controller asked for at once and awaited together.
 */

const KINDS = ["branch", "read", "advance", "prune"];

/**
 * @param {Episode} episode
 * @param {number} delta Δ of the store, in tokens
 * @param {number} step batches that have happened, from 0 to `episode.ends.length`
 * @returns {EpisodeState}
 */
function stateAt(episode, delta, step) {
  const steps = episode.ends.length;
  const until = Math.max(0, Math.min(step, steps));
  /** @type {BranchState[]} */
  const branches = [];
  let tokens = 0;
  let sequential = 0;
  let first = 0;
  for (let batch = 0; batch < until; batch += 1) {
    const end = episode.ends[batch];
    /** @type {Map<number, number>} */
    const spent = new Map();
    for (let k = first; k < end; k += 1) {
      const code = episode.actions[2 * k];
      const answer = episode.actions[2 * k + 1];
      const kind = KINDS[(code >> 1) & 3];
      const index = code >> 3;
      branches[index] ??= { cells: [], finished: false, pruned: false, active: false, tokens: 0, answer: -1 };
      const branch = branches[index];
      branch.active = batch === until - 1;
      if (kind === "prune") {
        branch.pruned = true;
        continue;
      }
      const [intervals, cost] = episode.odd[k] ?? [1, delta];
      for (let passed = 1; passed < intervals; passed += 1) branch.cells.push(null);
      branch.cells.push(answer);
      branch.answer = answer;
      branch.finished = (code & 1) === 1;
      branch.tokens += cost;
      tokens += cost;
      spent.set(index, (spent.get(index) ?? 0) + cost);
    }
    // What runs in parallel takes as long as its longest part.
    sequential += Math.max(0, ...spent.values());
    first = end;
  }
  return { step: until, steps, branches, tokens, sequential, votes: votesOf(branches) };
}

/**
 * The votes of unpruned branches for their latest answers, most first.
 * @param {BranchState[]} branches
 */
function votesOf(branches) {
  /** @type {Map<number, {answer: number, latest: number, finished: number}>} */
  const votes = new Map();
  for (const branch of branches) {
    if (branch.pruned || branch.answer < 0) continue;
    const vote = votes.get(branch.answer) ?? { answer: branch.answer, latest: 0, finished: 0 };
    vote.latest += 1;
    vote.finished += branch.finished ? 1 : 0;
    votes.set(branch.answer, vote);
  }
  return [...votes.values()].sort((a, b) => b.latest - a.latest || a.answer - b.answer);
}

/**
 * The cells of a branch as runs of the same answer.
 * @param {(number | null)[]} cells
 * @returns {{answer: number | null, length: number}[]}
 */
function segmentsOf(cells) {
  /** @type {{answer: number | null, length: number}[]} */
  const segments = [];
  for (const answer of cells) {
    const last = segments[segments.length - 1];
    if (last && last.answer === answer) last.length += 1;
    else segments.push({ answer, length: 1 });
  }
  return segments;
}
