// Validates pages: {address: html} on stdin, {address: [what is wrong]} on stdout.

import { HtmlValidate } from "html-validate";

const validator = new HtmlValidate({
  extends: ["html-validate:recommended", "html-validate:a11y"],
  elements: [
    "html5",
    { button: { attributes: { command: {}, commandfor: {} } } },
  ],
  rules: {
    // How the source looks is the templates' own business.
    "doctype-style": "off",
    "no-implicit-close": "off",
    "no-trailing-whitespace": "off",
    "attribute-boolean-style": "off",
    "attribute-empty-style": "off",
    "void-style": "off",
    "long-title": "off",
    "no-inline-style": "error",
    "form-dup-name": ["error", { shared: ["checkbox", "radio", "submit", "button", "reset"] }],
    // A browser takes what people type as it is.
    "valid-id": ["error", { relaxed: true }],
    "tel-non-breaking": "off",
    "prefer-native-element": "off",
  },
});

let text = "";
for await (const chunk of process.stdin) text += chunk;
const wrong = {};
for (const [address, page] of Object.entries(JSON.parse(text))) {
  const report = await validator.validateString(page);
  const found = report.results.flatMap((result) => result.messages);
  if (found.length) {
    wrong[address] = found.map((one) => `${one.line}:${one.column} ${one.ruleId}: ${one.message}`);
  }
}
process.stdout.write(JSON.stringify(wrong));
