// A page that was opened by another name than this machine's own is given no clipboard to write to; then what is to be
// copied is selected, which leaves one key to press.

import { announce } from "./announcer.js";

const SHOWN_MS = 2000;

export async function copy(element, button) {
  const done = await write(element.textContent).catch(() => select(element));
  announce(done);
  button.textContent = done;
  setTimeout(() => { button.textContent = "Copy"; }, SHOWN_MS);
}

async function write(text) {
  await navigator.clipboard.writeText(text);
  return "Copied";
}

function select(element) {
  getSelection().selectAllChildren(element);
  return "Now Ctrl+C";
}
