// Small things: copying, dialogs of older browsers, menus, the theme, toasts, filters, first focus.

const all = (selector) => document.querySelectorAll(selector);

export function copying(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy-button]")) {
    const words = button.querySelector("span");
    const usual = words.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = button.closest("[data-copy]").querySelector("code");
      await navigator.clipboard.writeText(source.textContent);
      words.textContent = "Copied";
      setTimeout(() => { words.textContent = usual; }, 1500);
    });
  }
}

function dialogs() {
  if ("commandForElement" in HTMLButtonElement.prototype) return;
  for (const button of all("button[commandfor]")) {
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    const method = button.getAttribute("command") === "close" ? "close" : "showModal";
    button.addEventListener("click", () => dialog[method]());
  }
}

function menus() {
  addEventListener("click", (event) => {
    for (const menu of all("[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of all("[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

function theme() {
  for (const form of all("[data-theme-switch]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { value } = event.submitter;
      if (value) document.documentElement.dataset.theme = value;
      else delete document.documentElement.dataset.theme;
      for (const one of all("[data-theme-switch] button")) {
        one.setAttribute("aria-pressed", String(one.value === value));
      }
      fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, event.submitter)), redirect: "manual" });
    });
  }
}

function toasts() {
  for (const toast of all("[data-toast]")) setTimeout(() => toast.remove(), 8000);
}

// What was left empty need not stand in the address.
function filters() {
  for (const form of all("[data-filters]")) {
    form.addEventListener("formdata", (event) => {
      for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
    });
  }
}

export function small() {
  copying(document);
  dialogs();
  menus();
  theme();
  toasts();
  filters();
  document.querySelector("[data-focus]")?.focus();
}
