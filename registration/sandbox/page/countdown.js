// Codes run out by one clock, which rests when none is running.

const TICK_MS = 200;
const running = new Set();
let clock = null;

// `show` is called with the whole seconds that are left, at each change, down to 0.
export function countDown(endsAt, show) {
  const entry = { endsAt, show, seconds: null };
  running.add(entry);
  tell(entry);
  clock ??= running.size > 0 ? setInterval(() => running.forEach(tell), TICK_MS) : null;
  return () => stop(entry);
}

function tell(entry) {
  const seconds = Math.max(0, Math.ceil((entry.endsAt - Date.now()) / 1000));
  if (seconds === entry.seconds) return;
  entry.seconds = seconds;
  entry.show(seconds);
  if (seconds === 0) stop(entry);
}

function stop(entry) {
  running.delete(entry);
  if (running.size > 0) return;
  clearInterval(clock);
  clock = null;
}
