// Names and tags to choose from where one is typed: fetched when somebody is about to.

const names = ({ events = [], tags = [] }) => [...events.map((one) => one.event), ...tags.map((one) => one.tag)];

async function fill(input, address) {
  const reply = await fetch(address).catch(() => null);
  if (!reply?.ok) return;
  for (const name of names((await reply.json()).data)) {
    input.list.appendChild(document.createElement("option")).value = name;
  }
}

export function start(input) {
  const begin = () => { for (const address of input.dataset.known.split(" ")) fill(input, address); };
  input.addEventListener("focus", begin, { once: true });
}
