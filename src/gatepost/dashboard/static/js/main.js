// What every page has. A page works without any of it; each module adds to elements that ask for
// it by a data attribute, and is loaded where there is one.

import { keys } from "./keys.js";
import { moments } from "./moment.js";
import { small } from "./small.js";

moments(document);
small();
keys();

const further = {
  "[data-live], [data-mark]": "./live.js",
  "[data-chart]": "./chart.js",
  "[data-known]": "./known.js",
  "[data-wait]": "./chartwait.js",
  "[data-refresh]": "./refresh.js",
  "[data-swap]": "./swap.js",
  "[data-push]": "./push.js",
};
for (const [selector, module] of Object.entries(further)) {
  const found = document.querySelector(selector);
  if (found) import(module).then((loaded) => loaded.start(found));
}
