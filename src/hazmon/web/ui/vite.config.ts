import { defineConfig } from "vite";

export default defineConfig({
  define: { __BUNDLE__: JSON.stringify(process.env["HAZMON_BUNDLE"] ?? "") },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: ["chrome111", "firefox114", "safari16.4"],
    modulePreload: false,
    assetsInlineLimit: 0, // a data: address would need a hole in the content security policy
    chunkSizeWarningLimit: 300,
  },
});
