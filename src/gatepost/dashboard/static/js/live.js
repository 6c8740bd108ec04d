// The feed as it comes: what arrives goes to the top, or waits while the reader is elsewhere.

import { day } from "./moment.js";
import { row } from "./row.js";

const KEPT = 300;
const BACK_MS = 250;
const HIDDEN_MS = 30000;
const TOP_PX = 160;

let feed, state, button, source, sleeping;
let paused = false;
let skipped = false;
let waiting = [];
const known = new Set();

function tell(words, kind) {
  if (!state) return;
  state.textContent = words;
  state.dataset.state = kind;
}

function show() {
  if (!state) return;
  const count = waiting.length;
  const some = count === 1 ? "1 new event" : `${count} new events`;
  document.title = document.title.replace(/^(\(\d+\) )?/, count ? `(${count}) ` : "");
  if (count) tell(`${some} waiting`, "held");
  else if (paused) tell("Paused", "held");
  else if (source?.readyState === EventSource.OPEN) tell(skipped ? "Live: some of many" : "Live", "live");
  else tell("Connecting…", "");
  button.textContent = count ? `Show ${some}` : paused ? "Resume" : "Pause";
}

function group(date) {
  const first = feed.querySelector("[data-day]");
  const found = [...feed.querySelectorAll("[data-day]")].find((one) => one.dataset.day <= date);
  if (found?.dataset.day === date) return found.querySelector("ol");
  const made = document.getElementById("event-day").content.firstElementChild.cloneNode(true);
  made.dataset.day = date;
  made.querySelector("h2").textContent = date === day(new Date().toISOString()) ? "Today" : date;
  if (found) found.before(made);
  else if (first) feed.append(made);
  else feed.prepend(made);
  return made.querySelector("ol");
}

// Newest first by the time it happened, which need not be the time it arrived.
function put(event) {
  const made = row(event);
  made.classList.add("arrived", "unread");
  const list = group(day(event.createdAt));
  const older = [...list.children].find((one) => one.dataset.id < event.id);
  if (older) older.before(made);
  else list.append(made);
}

function trim() {
  const rows = feed.querySelectorAll(".event");
  for (const one of [...rows].slice(KEPT)) one.remove();
  for (const one of feed.querySelectorAll(".day")) if (!one.querySelector(".event")) one.remove();
}

function flush() {
  document.querySelector("[data-nothing]")?.remove();
  for (const event of waiting) put(event);
  waiting = [];
  trim();
}

function take(event) {
  if (known.has(event.id)) return;
  known.add(event.id);
  waiting.push(event);
  if (!paused && scrollY < TOP_PX && !document.hidden) flush();
  show();
}

// What came between the page and the stream.
async function catchUp() {
  const reply = await fetch(feed.dataset.again).catch(() => null);
  if (!reply?.ok) return;
  const { data } = await reply.json();
  const oldest = feed.querySelector(".day:last-of-type .event:last-child")?.dataset.id ?? "";
  for (const event of data.events.reverse()) if (event.id > oldest) take(event);
}

function open() {
  source?.close();
  source = new EventSource(feed.dataset.live);
  source.addEventListener("open", () => { show(); setTimeout(catchUp, BACK_MS); });
  source.addEventListener("error", show);
  source.addEventListener("skipped", () => { skipped = true; show(); });
  source.addEventListener("event", (message) => take(JSON.parse(message.data)));
  source.addEventListener("closed", (message) => {
    source.close();
    tell(JSON.parse(message.data).message, "held");
  });
  show();
}

function sleep() {
  clearTimeout(sleeping);
  if (document.hidden) sleeping = setTimeout(() => source.close(), HIDDEN_MS);
  else if (source.readyState === EventSource.CLOSED) open();
}

function resume() {
  if (waiting.length || paused) {
    paused = false;
    flush();
    scrollTo({ top: 0 });
  } else paused = true;
  show();
}

// A dot for what is newer than the newest one that was here at the last visit.
function mark() {
  const name = `gatepost:seen:${feed.dataset.mark}`;
  const seen = localStorage.getItem(name);
  const rows = [...feed.querySelectorAll(".event")];
  for (const one of rows) {
    known.add(one.dataset.id);
    if (seen && one.dataset.id > seen) one.classList.add("unread");
  }
  const keep = () => {
    const newest = [...feed.querySelectorAll(".event")].map((one) => one.dataset.id).sort().pop();
    if (newest && newest > (localStorage.getItem(name) ?? "")) localStorage.setItem(name, newest);
  };
  addEventListener("pagehide", keep);
}

export function start(found) {
  feed = found;
  state = document.querySelector("[data-live-state]");
  button = document.querySelector("[data-live-button]");
  mark();
  if (!feed.dataset.live) return;
  button.hidden = false;
  button.addEventListener("click", resume);
  addEventListener("scroll", () => {
    if (!paused && waiting.length && scrollY < TOP_PX / 8) { flush(); show(); }
  }, { passive: true });
  document.addEventListener("visibilitychange", sleep);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
}
