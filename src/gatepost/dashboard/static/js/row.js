// An event as a row: the page's own <template>, whose slots are filled with text and nothing else.

import { write } from "./moment.js";
import { shown } from "./text.js";

const slot = (row, name) => row.querySelector(`[data-slot="${name}"]`);

function isolated(value) {
  const inner = document.createElement("bdi");
  inner.textContent = shown(value);
  return inner;
}

function say(row, name, value) {
  const element = slot(row, name);
  if (value) element.replaceChildren(isolated(value));
  else element.remove();
}

function brief(text) {
  const points = [...(text ?? "")];
  return points.length > 280 ? `${points.slice(0, 280).join("")}…` : text;
}

function lead(row, name, parameter, value) {
  const link = slot(row, name);
  if (!link) return;
  const address = new URL(link.getAttribute("href"), location.href);
  address.searchParams.set(parameter, value);
  link.setAttribute("href", address.pathname + address.search);
}

export function row(event) {
  const made = document.getElementById("event-row").content.firstElementChild.cloneNode(true);
  made.dataset.id = event.id;
  made.dataset.at = event.createdAt;
  slot(made, "icon").textContent = event.icon || "•";
  const link = slot(made, "link");
  const address = link.getAttribute("href");
  link.setAttribute("href", address.replace("/events/ID", `/events/${encodeURIComponent(event.id)}`));
  say(made, "title", event.title);
  say(made, "description", brief(event.description));
  say(made, "channel", event.channelName);
  lead(made, "channel", "channel", event.channelName);
  say(made, "person", event.userId);
  if (event.userId) lead(made, "person", "name", event.userId);
  const tag = slot(made, "tag");
  for (const one of event.tags) {
    const copy = tag.cloneNode();
    copy.append(isolated(one));
    tag.before(copy);
  }
  tag.remove();
  write(slot(made, "time"), event.createdAt);
  return made;
}
