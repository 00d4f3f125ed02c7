// ESLint's recommended rules for the scripts of pages, of the evidence page and of the benches (`scripts/lint`).
const { readdirSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const js = require("@eslint/js");
const globals = require("globals");

// The scripts of an evidence pack's page are joined to one: each sees what the others declare at their top.
const joined = readdirSync("signing", { recursive: true }).filter((path) => /^evidence\/page\/\w+\.js$/.test(path));
const source = joined.map((path) => readFileSync(join("signing", path), "utf8")).join("\n");
const declared = [...source.matchAll(/^(?:async )?(?:function\*?|class|const|let) (\w+)/gm)].map(([, name]) => name);
const shared = Object.fromEntries(declared.map((name) => [name, "writable"]));

const node = { languageOptions: { sourceType: "commonjs", globals: globals.node } };

module.exports = [
  { ignores: ["static/vendor/", "**/node_modules/", ".venv/", "var/", "build/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  { files: ["static/js/**/*.js"], languageOptions: { sourceType: "module", globals: globals.browser } },
  { files: ["static/js/early.js"], languageOptions: { sourceType: "script" } },
  {
    files: ["signing/evidence/page/*.js"],
    languageOptions: { sourceType: "script", globals: { ...globals.browser, ...shared } },
    rules: {
      "no-redeclare": ["error", { builtinGlobals: false }],
      "no-unused-vars": ["error", { vars: "local" }],
    },
  },
  { files: ["bench/**/*.mjs"], languageOptions: { sourceType: "module", globals: globals.node } },
  { files: ["eslint.config.js", "tests/**/*.cjs"], ...node },
];
