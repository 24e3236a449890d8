// What answers amount to at their last event: node answers.mjs <lists of events as JSON>
import { IDLE, reduce, textOf } from "keepstream";

const last = JSON.parse(process.argv[2]).map((events) => events.reduce((state, one) => reduce(state, one), IDLE));
console.log(JSON.stringify(last.map((state) => ({ ...state, text: textOf(state) }))));
