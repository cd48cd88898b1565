// The module that `cargo xtask npm` makes of the page.

interface Asset {
  /** With the hash of the text. */
  readonly name: string;
  readonly text: string;
}

declare const assets: Readonly<Record<"main" | "diagnose" | "style" | "icon", Asset>>;
export default assets;
