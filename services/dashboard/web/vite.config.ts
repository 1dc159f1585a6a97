import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const OUT = "../src/wattmesh_dashboard/bundle";

/** Leaves a compressed copy beside every file, so that nobody compresses at each request. */
function compressed(): Plugin {
  const zip = (folder: string): void => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) zip(path);
      else if (/\.(js|css|html|svg)$/.test(name)) {
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    }
  };
  return { name: "compressed", closeBundle: () => zip(join(import.meta.dirname, OUT)) };
}

export default defineConfig({
  oxc: { jsx: { runtime: "automatic" } },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // The first load is a test of its own; this counts it before it is compressed.
    chunkSizeWarningLimit: 800,
    rolldownOptions: {
      output: {
        // A browser fetches six things at a time: what every page needs comes in few pieces.
        codeSplitting: {
          groups: [
            { name: "contracts", test: /src.gen.wattmesh.(type|site|dashboard|planner).v1.|(plan|problem|alert|control|device_event|hold|release|command)_pb/ },
            { name: "libraries", test: /node_modules.(?!uplot)/ },
          ],
        },
      },
      onwarn: (warning, tell) => {
        // Libraries say where servers stop rendering; here is no server that renders.
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") tell(warning);
      },
    },
  },
  plugins: [compressed()],
});
