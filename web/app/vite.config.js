import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The service that the development server passes requests to. */
const service = process.env.RANGEHAND_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  // All addresses are relative, so the page works below any path prefix.
  base: "./",
  plugins: [react()],
  server: { proxy: { "/v1": service, "/readyz": service, "/docs": service } },
  build: {
    target: "es2022",
    assetsDir: "app",
    modulePreload: { polyfill: false },
    // Styles of the graph are loaded with it.
    cssCodeSplit: true,
    // The licenses of everything in the built files.
    license: { fileName: "app/licenses.md" },
    rollupOptions: {
      output: {
        // Names without hashes: the binary embeds these files by name, and serves them with an `ETag`.
        entryFileNames: "app/[name].js",
        chunkFileNames: "app/[name].js",
        assetFileNames: "app/[name][extname]",
      },
    },
  },
});
