// Moments in the zone of the viewer's clock. The server writes them so once it knows the zone, by a
// cookie that is set here; only the very first page is written again.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const part = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const month = { day: "numeric", month: "short", year: "numeric" };
const clock = new Intl.DateTimeFormat("en-GB", part);
const calendar = new Intl.DateTimeFormat("en-GB", month);

const forms = {
  time: (at) => clock.format(at),
  day: (at) => calendar.format(at),
  moment: (at) => `${calendar.format(at)}, ${clock.format(at)}`,
};

export function write(element, iso) {
  const at = new Date(iso);
  element.dateTime = iso;
  element.title = `${at.toISOString().replace("T", " ").replace("Z", "")} UTC`;
  element.textContent = forms[element.dataset.form || "moment"](at);
}

export function day(iso) {
  const at = new Date(iso);
  const two = (number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export function moments(root) {
  if (!zone || document.documentElement.dataset.zone === zone) return;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `gatepost_zone=${zone}; path=/dashboard; max-age=31536000; samesite=lax${secure}`;
  for (const element of root.querySelectorAll("time[data-form]")) {
    if (element.dateTime) write(element, element.getAttribute("datetime"));
  }
}
