// This browser as a device that is told: subscribes at its push service, and registers that.

const kept = "gatepost:device";
let panel, state;

const part = (name) => panel.querySelector(`[data-push-${name}]`);
const tell = (words) => { state.textContent = words; };

function show(subscribed) {
  part("off").hidden = subscribed;
  part("known").hidden = !subscribed;
  tell(subscribed ? "Notifications are on." : "Notifications are off.");
  const mine = subscribed && localStorage.getItem(kept);
  for (const row of document.querySelectorAll("[data-device]")) {
    row.querySelector("[data-mine]").hidden = row.dataset.device !== mine;
  }
}

async function ask(method, address, body) {
  const headers = { "x-csrf-token": document.querySelector("meta[name=csrf]").content };
  if (body) headers["content-type"] = "application/json";
  const reply = await fetch(address, { method, headers, body: body && JSON.stringify(body) });
  const answer = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(answer.message || "It was refused.");
  return answer.data;
}

function scope() {
  const [kind, ...name] = document.getElementById("f-scope").value.split(":");
  return kind === "all" ? "all" : { [kind]: name.join(":") };
}

async function register(subscription) {
  const device = { ...subscription.toJSON(), userId: panel.dataset.user, scope: scope() };
  const made = await ask("POST", panel.dataset.devices, device);
  localStorage.setItem(kept, made.id);
}

async function on(registration) {
  tell("Asking this browser…");
  if ((await Notification.requestPermission()) !== "granted") {
    tell("This browser does not allow notifications of this page: its settings can.");
    return;
  }
  const wanted = { userVisibleOnly: true, applicationServerKey: panel.dataset.push };
  await register(await registration.pushManager.subscribe(wanted));
  location.reload();
}

async function off(registration) {
  const subscription = await registration.pushManager.getSubscription();
  await subscription?.unsubscribe();
  const [path, query] = panel.dataset.devices.split("?");
  const mine = localStorage.getItem(kept);
  if (mine) await ask("DELETE", `${path}/${mine}${query ? `?${query}` : ""}`).catch(() => null);
  localStorage.removeItem(kept);
  location.reload();
}

const doing = (work) => () => work().catch((fault) => tell(`That did not work: ${fault.message}`));

export async function start(found) {
  panel = found;
  state = part("state");
  if (!("serviceWorker" in navigator && "PushManager" in self)) {
    tell("This browser cannot show notifications. It needs https, and on an iPhone the home screen.");
    return;
  }
  const registration = await navigator.serviceWorker.register(panel.dataset.worker, { scope: "/dashboard/" });
  await navigator.serviceWorker.ready.catch(() => null);
  part("on").addEventListener("click", doing(() => on(registration)));
  part("stop").addEventListener("click", doing(() => off(registration)));
  const subscription = await registration.pushManager.getSubscription();
  show(Boolean(subscription && localStorage.getItem(kept)));
}
