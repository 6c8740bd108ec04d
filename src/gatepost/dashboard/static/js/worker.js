// Shows notifications, and opens what they lead to.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

function read(event) {
  try {
    return event.data.json();
  } catch {
    return {};
  }
}

self.addEventListener("push", (event) => {
  const said = read(event);
  const options = { body: said.body, icon: said.icon, tag: said.id, data: { url: said.url } };
  event.waitUntil(self.registration.showNotification(said.title || "Gatepost", options));
});

// Only what is of this place may take over one of its pages; anything else opens a page of its own.
async function open(wanted) {
  const address = new URL(wanted || "/dashboard/", self.location.origin);
  if (!/^https?:$/.test(address.protocol)) return;
  if (address.origin === self.location.origin) {
    const pages = await self.clients.matchAll({ type: "window" });
    const page = pages.find((one) => one.url === address.href) ?? pages[0];
    if (page) {
      await page.focus();
      if (page.url !== address.href) await page.navigate(address.href);
      return;
    }
  }
  await self.clients.openWindow(address.href);
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url));
});
