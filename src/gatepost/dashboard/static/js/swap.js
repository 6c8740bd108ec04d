// Buttons that change a form on the server (a further row, a trial): what comes back takes its
// place, without the way through a whole page.

async function swap(root, form, button) {
  root.setAttribute("aria-busy", "true");
  const body = new URLSearchParams(new FormData(form, button));
  const reply = await fetch(form.action, { method: "POST", body }).catch(() => null);
  const page = reply && new DOMParser().parseFromString(await reply.text(), "text/html");
  const fresh = page?.querySelector(`[data-swap="${root.dataset.swap}"]`);
  if (!fresh) { // signed out, say: the usual way tells
    root.dataset.usual = "yes";
    form.requestSubmit(button);
    return;
  }
  const name = button.value;
  root.replaceChildren(...document.adoptNode(fresh).childNodes);
  root.removeAttribute("aria-busy");
  const again = [...root.querySelectorAll("[data-part]")].find((one) => one.value === name);
  (root.querySelector("[autofocus], [data-focus]") ?? again ?? root.querySelector("h2"))?.focus();
}

export function start(root) {
  root.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.hasAttribute("data-part") || root.dataset.usual) return;
    event.preventDefault();
    swap(root, event.target, button);
  });
}
