// Keys: / searches, g and a letter goes to a section, j and k go through a list, ? shows them all.

const GO_MS = 1200;
const typing = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
let going = 0;

function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const now = rows.findIndex((row) => row === document.activeElement);
  const next = rows[now < 0 ? (by > 0 ? 0 : rows.length - 1) : now + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function places() {
  return [...document.querySelectorAll("[data-keys]")].map((link) => [link.dataset.keys, link]);
}

function help() {
  const known = document.getElementById("keys");
  if (known) return known.open ? known.close() : known.showModal();
  const lines = [
    ["/", "Search"], ["j", "Next in the list"], ["k", "Previous in the list"], ["Enter", "Open it"],
    ...places().map(([keys, link]) => [keys, `Go to ${link.textContent.trim()}`]), ["?", "These keys"],
  ];
  const dialog = document.createElement("dialog");
  dialog.id = "keys";
  dialog.setAttribute("aria-labelledby", "keys-title");
  const inner = dialog.appendChild(document.createElement("div"));
  const title = inner.appendChild(document.createElement("h2"));
  title.id = "keys-title";
  title.textContent = "Keys";
  const list = inner.appendChild(document.createElement("dl"));
  list.className = "facts";
  for (const [keys, words] of lines) {
    const term = list.appendChild(document.createElement("dt"));
    for (const key of keys.split(" ")) {
      term.append(" ");
      term.appendChild(document.createElement("kbd")).textContent = key;
    }
    list.appendChild(document.createElement("dd")).textContent = words;
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest(typing) || (document.querySelector("dialog[open]") && event.key !== "?")) return;
  if (Date.now() - going < GO_MS) {
    going = 0;
    const link = places().find(([keys]) => keys === `g ${event.key}`)?.[1];
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  const does = {
    "/": () => document.querySelector("[data-search]")?.focus(),
    g: () => { going = Date.now(); },
    j: () => step(1),
    k: () => step(-1),
    "?": help,
  }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

export const keys = () => addEventListener("keydown", pressed);
