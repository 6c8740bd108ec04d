// A part of a page that is fetched again while somebody looks at it: the server renders, as always.

import { moments } from "./moment.js";
import { copying } from "./small.js";

let part, state, button, timer;
let paused = false;

function tell(words, kind) {
  if (!state) return;
  state.textContent = words;
  state.dataset.state = kind;
}

function show() {
  if (paused) tell("Paused", "held");
  else tell("Live", "live");
  if (button) button.textContent = paused ? "Resume" : "Pause";
}

// Whoever reads, chooses or confirms something there is not disturbed, unless it can be put back.
function busy() {
  const selected = getSelection();
  const chosen = !selected.isCollapsed && part.contains(selected.anchorNode);
  const at = document.activeElement;
  const held = part.contains(at) && !at.id;
  const opened = part.querySelector("details[open]:not([id])");
  const asked = document.querySelector("dialog[open], [data-menu][open]");
  return document.hidden || chosen || held || opened || asked;
}

function put(fresh) {
  for (const one of fresh.querySelectorAll("details[id]")) {
    const mine = document.getElementById(one.id);
    if (mine) one.open = mine.open;
  }
  const at = part.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = part.querySelector(".scroll")?.scrollLeft;
  moments(fresh);
  copying(fresh);
  part.replaceWith(fresh);
  part = fresh;
  if (scrolled) part.querySelector(".scroll").scrollLeft = scrolled;
  if (at) document.getElementById(at)?.focus({ preventScroll: true });
}

const plain = (element) => element.innerHTML.replace(/name="once" value="[^"]*"/g, "");

async function look() {
  if (paused || busy()) return next();
  const reply = await fetch(location.href).catch(() => null);
  if (!reply?.ok || reply.redirected) {
    tell("No connection: reload this page", "held");
    return reply ? undefined : next();
  }
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const fresh = page.getElementById(part.id);
  if (!fresh) return undefined;
  show();
  if (plain(fresh) !== part.dataset.was && !busy()) {
    const was = plain(fresh);
    put(document.importNode(fresh, true));
    part.dataset.was = was;
  }
  return part.dataset.refresh ? next() : undefined;
}

function next() {
  clearTimeout(timer);
  timer = setTimeout(look, Number(part.dataset.refresh) * 1000);
}

export function start(found) {
  part = found;
  part.dataset.was = plain(part);
  const bar = document.querySelector("[data-refresh-bar]");
  state = document.querySelector("[data-refresh-state]");
  button = document.querySelector("[data-refresh-button]");
  if (bar) bar.hidden = false;
  button?.addEventListener("click", () => { paused = !paused; show(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { clearTimeout(timer); look(); } });
  show();
  next();
}
