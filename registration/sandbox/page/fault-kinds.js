// What the sandbox can do wrong: its name for it, and ours. `figure` is the number that goes with it.

export const KINDS = [
  {
    name: "slow",
    label: "Slow",
    hint: "accepted, but answered late",
    does: "answers late",
    figure: { name: "slow_seconds", label: "late by", step: "any" },
  },
  {
    name: "too_many",
    label: "Too many requests",
    hint: "429, not accepted",
    does: "answers 429",
    figure: { name: "retry_after_seconds", label: "Retry-After", step: 1 },
  },
  {
    name: "error",
    label: "Server error",
    hint: "500, not accepted",
    does: "answers 500",
  },
  {
    name: "cut_before",
    label: "Cut before accepting",
    hint: "the connection ends, not accepted",
    does: "cuts before accepting",
  },
  {
    name: "cut_after",
    label: "Cut after accepting",
    hint: "accepted, but the answer is lost",
    does: "cuts after accepting",
  },
  {
    name: "hang",
    label: "Hang",
    hint: "no answer, not accepted",
    does: "does not answer",
    figure: { name: "hang_seconds", label: "cut after", step: "any" },
  },
];
