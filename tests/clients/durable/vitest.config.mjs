// Which of Durable Streams' tests are run: all but those that begin as one in left_out.json does, and without ALL, but
// those that try many examples.
import { readFileSync } from "node:fs";

const rows = JSON.parse(readFileSync(new URL("left_out.json", import.meta.url), "utf8"));
const without = [...rows.flatMap(({ tests }) => tests), ...(process.env.ALL ? [] : ["Property-Based Tests "])];
const escaped = without.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));

export default {
  root: import.meta.dirname,
  test: {
    include: ["reading.test.mjs"],
    setupFiles: ["setup.mjs"],
    testNamePattern: new RegExp(`^(?!\\s*(${escaped.join("|")}))`),
    testTimeout: 20_000,
    pool: "threads",
    isolate: false,
    sequence: { concurrent: true },
    maxConcurrency: 8,
  },
};
