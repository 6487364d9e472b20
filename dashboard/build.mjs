// Writes the bundle into the file that its argument names: make page.
import { writeFileSync } from "node:fs";
import { bundle } from "./bundle.mjs";

writeFileSync(process.argv[2], await bundle());
