// The code of a Worker, bundled as wrangler bundles it: what it imports, what it exports, and what its options name.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { relative } from "node:path";
import type * as esbuild from "esbuild";
import { installed } from "./project.ts";
import type { Settings } from "./workers.ts";

/** The facts about a Worker's code. */
export interface Code {
  /** The path of the entry point, as the user writes it. */
  readonly main: string;
  readonly imports: ReadonlySet<string>;
  readonly exports: readonly string[];
  /** The bundled text without types, comments and needless white space. */
  readonly text: string;
}

/** The option of the consumer's functions that names a binding, such as `queue: (env) => env.DEAD_LETTERS`. */
export type BindingOption = "d1" | "ledger" | "database" | "queue" | "events" | "deadLetters" | "bodies" | "activity";

/** The gateway's exports. The checks need no more of the package, which may not be built. */
const gatewayStub = "export class Activity {} export class Deduper {} export default {};";
const gatewayModule = "cronozen-edge/worker";

/** Files that wrangler uploads as they are. */
const otherFiles = ["*.wasm", "*.wasm?module", "*.html", "*.txt", "*.sql", "*.bin"];

/** Reads the code of a Worker with the esbuild of the project's wrangler. Returns why, if that is impossible. */
export async function readCode({ main, build: { command }, alias = {} }: Settings): Promise<Code | string> {
  if (main === undefined) {
    return "the settings have no main";
  }
  const name = relative(process.cwd(), main);
  if (!existsSync(main)) {
    return command === undefined ? `${name} does not exist` : `${name} is not built: run ${command}`;
  }
  try {
    const { build } = importEsbuild();
    const { metafile, outputFiles } = await build({
      entryPoints: [main],
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      minifyWhitespace: true,
      outdir: "out",
      packages: "external",
      external: otherFiles,
      alias,
      plugins: [stubOfGateway],
      logLevel: "silent",
    });
    const inputs = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
    return {
      main: name,
      imports: new Set(inputs.map(({ path, original }) => original ?? path)),
      exports: Object.values(metafile.outputs).flatMap((output) => output.exports),
      text: outputFiles.map(({ text }) => text).join("\n"),
    };
  } catch (error) {
    const [first] = (error as Partial<esbuild.BuildFailure>).errors ?? [];
    const place = first?.location ? ` (${first.location.file}, line ${first.location.line})` : "";
    return `${name} cannot be bundled: ${first?.text ?? (error as Error).message}${place}`;
  }
}

/** Returns the names of the bindings that these options name. A text that is written in another way has none. */
export function bindingsNamed({ text }: Code, option: BindingOption): string[] {
  const start = option === "d1" ? "\\bd1\\(" : `\\b${option}:`;
  const found = text.matchAll(new RegExp(`${start}\\s*\\(?(\\w+)\\)?\\s*=>\\s*\\1\\.(\\w+)`, "g"));
  return [...new Set([...found].map(([, , name = ""]) => name))];
}

const stubOfGateway: esbuild.Plugin = {
  name: "gateway",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^${gatewayModule}$`) }, ({ path }) => ({ path, namespace: "gateway" }));
    onLoad({ filter: /./, namespace: "gateway" }, () => ({ contents: gatewayStub }));
  },
};

/** Imports the esbuild that wrangler depends on. */
function importEsbuild(): Pick<typeof esbuild, "build"> {
  return createRequire(installed("wrangler/package.json"))("esbuild");
}
