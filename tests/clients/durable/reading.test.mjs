// The conformance tests of Durable Streams, against a front. Which of them: vitest.config.mjs.
import { runConformanceTests } from "@durable-streams/server-conformance-tests";

runConformanceTests({ baseUrl: process.env.FRONT });
