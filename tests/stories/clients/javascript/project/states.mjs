// What events amount to: node states.mjs <events as JSON>
import { IDLE, reduce } from "keepstream";

const states = JSON.parse(process.argv[2]).map((event, at, events) =>
  events.slice(0, at + 1).reduce((state, one) => reduce(state, one, 1000), { ...IDLE, id: "st_1" }),
);
console.log(JSON.stringify(states));
