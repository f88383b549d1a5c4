/**
 * Copies what browsers need from installed packages into the static folder. No bundler, no network.
 * The target folder is not kept in version control; run `npm ci && npm run build` after a checkout.
 */
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const vendor = join(root, "madoguchi/web/ui/static/vendor");

/** Source inside node_modules → name in static/vendor. */
const files = {
  "@digital-go-jp/design-tokens/dist/tokens.css": "design-tokens.css",
  "@digital-go-jp/design-tokens/LICENSE": "design-tokens.LICENSE",
};

await mkdir(vendor, { recursive: true });
for (const [source, target] of Object.entries(files)) {
  try {
    await copyFile(join(root, "node_modules", source), join(vendor, target));
  } catch (error) {
    console.error(`build: cannot copy ${source} (${error.code}). Run "npm ci" first.`);
    process.exit(1);
  }
  console.log(`vendor/${target}`);
}
