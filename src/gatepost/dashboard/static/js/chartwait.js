// Looks every few seconds whether the first event has come, and then shows the page anew.

const EVERY_MS = 3000;

export function start(found) {
  const timer = setInterval(async () => {
    if (document.hidden) return;
    const reply = await fetch(found.dataset.wait).catch(() => null);
    if (!reply?.ok || !(await reply.json()).data.lastSeen) return;
    clearInterval(timer);
    if (!document.querySelector("[data-once]")) location.reload();
    else found.querySelector("p").textContent = "The first event has come.";
  }, EVERY_MS);
}
