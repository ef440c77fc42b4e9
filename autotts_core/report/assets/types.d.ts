// What `run_section.py` and `episodes.py` embed in the page, for the type checker alone.
interface Interval { mean: number; low: number; high: number }
interface StorePoint {
  accuracy: number; accuracy_low: number; accuracy_high: number;
  tokens: number; sequential_tokens: number; saved: number;
}
interface Point {
  label: string; beta: number | null; accuracy: Interval;
  tokens: number; sequential_tokens: number; saved: number; stores: StorePoint[];
}
interface Curve { kind: "selected" | "baseline" | "round"; name: string; points: Point[] }
interface Measured { accuracy: number[]; tokens: number[] }
interface QuestionStore {
  name: string; ids: string[]; texts: string[]; gold: string[];
  reference: Measured | null; columns: Measured[];
}
interface Questions {
  columns: { name: string; label: string; beta: number | null }[];
  stores: QuestionStore[];
}
interface ScoredSet {
  title: string; conditions: string; stores: string[]; curves: Curve[];
  questions: Questions;
}
interface Answer { text: string; correct: boolean; letter: string }
interface Episode {
  controller: string; beta: number | null; answer: number; correct: boolean; stop: string;
  tokens: number; sequential_tokens: number;
  actions: number[]; ends: number[]; odd: { [action: string]: [number, number] };
}
interface Case {
  set: string; store: string; question: number; seed: number; why: string | null;
  delta: number; pool: number;
  reference: { branches: number; tokens: number; answer: string | null; correct: boolean };
  branches: { recorded: number[]; tokens: number[]; final: number[] };
  answers: Answer[]; episodes: Episode[];
}
interface Run {
  name: string; decisive: string; sets: { [key: string]: ScoredSet };
  selection: { selected: string; rule: string };
  trajectory: { entry: string; accuracy: number | null; tokens: number | null; beta: number | null; value: number | null }[];
  held_out: (Point & { point: string })[];
  progress: { seconds: number; candidates: number }[];
  rounds: { round: number; proposals: number; seconds: number | null; dollars: number }[];
  schedule: { betas: number[]; parameters: { [name: string]: (number | boolean)[] } };
  texts: { [what: string]: string }; reasons: { [why: string]: string };
  cases: Case[]; directory: string; store_paths: { [name: string]: string };
}

interface BranchState {
  /** For each interval that ran: an answer's number, -1 for none, null where it was passed. */
  cells: (number | null)[];
  finished: boolean; pruned: boolean; active: boolean; tokens: number; answer: number;
}
interface EpisodeState {
  step: number; steps: number; branches: BranchState[];
  tokens: number; sequential: number;
  votes: { answer: number; latest: number; finished: number }[];
}

declare const Plotly: {
  react(node: HTMLElement, traces: object[], layout: object, config?: object): Promise<void>;
  relayout(node: HTMLElement, change: object): Promise<void>;
  purge(node: HTMLElement): void;
};
