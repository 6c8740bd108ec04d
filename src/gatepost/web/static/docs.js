// Comforts of the page; without them it reads just as well.

for (const block of document.querySelectorAll("pre.shell")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  if (navigator.clipboard) block.append(button);
}

const field = document.createElement("input");
field.type = "search";
field.placeholder = "Filter";
field.ariaLabel = "Filter the contents";
field.addEventListener("input", () => {
  const wanted = field.value.trim().toLowerCase();
  for (const entry of document.querySelectorAll("nav li")) {
    entry.hidden = !entry.textContent.toLowerCase().includes(wanted);
  }
});
document.querySelector("#search").append(field);
