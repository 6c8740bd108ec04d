// A cursor over a chart: by pointer or arrow keys, it says what is in a period. Numbers come from
// the table behind the chart. Links of the legend change the chart in its place.

const NS = "http://www.w3.org/2000/svg";

function read(figure) {
  const heads = [...figure.querySelectorAll("thead th")].slice(1).map((one) => one.textContent);
  const rows = [...figure.querySelectorAll("tbody tr")].map((row) => {
    const [name, ...cells] = [...row.cells].map((one) => one.textContent.trim());
    return { name, cells };
  });
  return { heads, rows };
}

function line(tip, words, value, colour) {
  const row = tip.appendChild(document.createElement("p"));
  if (colour) row.append(colour.cloneNode(true));
  row.appendChild(document.createElement("bdi")).textContent = words;
  row.appendChild(document.createElement("span")).textContent = value;
}

function fill(tip, { heads }, { name, cells }, colours) {
  tip.textContent = "";
  tip.appendChild(document.createElement("strong")).textContent = name;
  cells.forEach((cell, at) => {
    if (cell !== "0") line(tip, heads[at], cell, colours.get(heads[at]));
  });
  if (cells.every((cell) => cell === "0")) line(tip, "Nothing", "");
}

function begin(figure) {
  const plot = figure.querySelector("[data-plot]");
  const data = read(figure);
  if (!data.rows.length) return;
  const colours = new Map([...figure.querySelectorAll(".legend .swatch")].map((one) => [one.dataset.of, one]));
  const cursor = document.createElementNS(NS, "rect");
  plot.querySelector(".graph").prepend(cursor);
  cursor.setAttribute("class", "cursor");
  cursor.setAttribute("width", `${100 / data.rows.length}%`);
  cursor.setAttribute("height", plot.querySelector(".bars").getAttribute("height"));
  const tip = plot.appendChild(document.createElement("div"));
  tip.className = "tip";
  tip.setAttribute("aria-hidden", "true");
  const about = { role: "slider", tabindex: 0, "aria-label": "Period", "aria-valuemin": 1, "aria-valuemax": data.rows.length };
  for (const [name, value] of Object.entries(about)) plot.setAttribute(name, value);
  let at = data.rows.length - 1;

  function say() {
    const { name, cells } = data.rows[at];
    const parts = cells.map((cell, index) => `${data.heads[index]} ${cell}`);
    plot.setAttribute("aria-valuenow", at + 1);
    plot.setAttribute("aria-valuetext", `${name}: ${parts.join(", ")}`);
  }

  function show(next) {
    at = Math.min(Math.max(next, 0), data.rows.length - 1);
    cursor.setAttribute("x", `${(100 * at) / data.rows.length}%`);
    say();
    fill(tip, data, data.rows[at], colours);
    const share = (at + 0.5) / data.rows.length;
    tip.classList.toggle("left", share > 0.5);
    tip.style.setProperty(share > 0.5 ? "right" : "left", `${100 * (share > 0.5 ? 1 - share : share)}%`);
    tip.style.setProperty(share > 0.5 ? "left" : "right", "auto");
    plot.classList.add("on");
  }

  const hide = () => plot.classList.remove("on");
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    show(Math.floor(((event.clientX - box.left) / box.width) * data.rows.length));
  });
  plot.addEventListener("pointerleave", () => { if (document.activeElement !== plot) hide(); });
  plot.addEventListener("focus", () => { if (plot.matches(":focus-visible")) show(at); });
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const page = Math.max(Math.round(data.rows.length / 10), 1);
    const to = {
      ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1,
      PageDown: at - page, PageUp: at + page, Home: 0, End: data.rows.length - 1,
    }[event.key];
    if (event.key === "Escape") hide();
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    show(to);
  });
  say();
}

// The same page with other lines, of which only the chart is taken.
async function swap(figure, link) {
  const index = [...figure.querySelectorAll("[data-line]")].indexOf(link);
  const reply = await fetch(link.href).catch(() => null);
  if (!reply?.ok) { location.href = link.href; return; }
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const fresh = page.getElementById(figure.id);
  if (!fresh) { location.href = link.href; return; }
  const open = figure.querySelector("details").open;
  figure.replaceChildren(...fresh.childNodes);
  figure.querySelector("details").open = open;
  history.replaceState(null, "", link.href);
  begin(figure);
  figure.querySelectorAll("[data-line]")[index]?.focus();
}

export function start() {
  for (const figure of document.querySelectorAll("[data-chart]")) {
    begin(figure);
    figure.addEventListener("click", (event) => {
      const link = event.target.closest("[data-line]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      swap(figure, link);
    });
  }
}
