import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));

/** Return src/main.tsx as one script, behind the licences of the packages that are in it; the same bytes on every machine. */
export async function bundle() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: here,
    entryPoints: ["src/main.tsx"],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none", // whole licences follow
  });

  const packages = new Set();
  for (const input of Object.keys(Object.values(metafile.outputs)[0].inputs)) {
    const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (found) packages.add(found[1]);
  }
  const texts = new Map();
  for (const name of [...packages].sort()) {
    const text = readFileSync(join(here, "node_modules", name, "LICENSE"), "utf8").trim();
    texts.set(text, [...(texts.get(text) ?? []), name]);
  }
  const licences = [...texts].map(([text, names]) => `${names.join(", ")}\n\n${text}`).join("\n\n----\n\n");
  const script = outputFiles[0].text.trim();
  if (/<\/script|<!--/i.test(script)) throw new Error("The bundle would end the script element that it is embedded in.");
  return `/*!\n${licences.replaceAll("*/", "* /")}\n*/\n${script}\n`;
}
