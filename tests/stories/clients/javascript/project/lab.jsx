// Both hooks under StrictMode, to be looked at from outside: lab.html?what=stream&prompt=…, or …&id=…
import { StrictMode, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { Keepstream } from "keepstream";
import { KeepstreamContext, useConversation, useStream } from "keepstream/react";

const given = new URLSearchParams(location.search);
window.lab = { renders: 0, statuses: [], ids: [] };

function note(status) {
  lab.renders++;
  if (lab.statuses[lab.statuses.length - 1] !== status) lab.statuses.push(status);
}

function Stream() {
  const [shown, show] = useState(true);
  return (
    <>
      <button onClick={() => show(!shown)}>Show or hide</button>
      {shown && <Answer />}
    </>
  );
}

function Answer() {
  const [id, keep] = useState(lab.ids[0] ?? given.get("id"));
  const told = useStream(id ?? given.get("prompt"), { onId: (id) => (keep(id), lab.ids.push(id)) });
  note(told.status);
  Object.assign(lab, { seconds: told.seconds, error: told.error?.message });
  return (
    <>
      <p id="text">{told.text}</p>
      <p id="status">{told.outcome ?? told.status}</p>
      <button onClick={told.stop}>Stop</button>
      <button onClick={() => told.submit(given.get("next"))}>Next</button>
    </>
  );
}

function Chat() {
  const [id, keep] = useState(given.get("id"));
  const { messages, status, outcome, say, stop, regenerate } = useConversation(id, { onId: keep });
  const box = useRef(null);
  const [refused, refuse] = useState("");
  lab.id = id;
  note(status);
  return (
    <>
      <ol>
        {messages.map((message, at) => (
          <li key={at} className={message.role} data-pending={message.pending}>
            {message.content.map((block) => block.text).join("")}
          </li>
        ))}
      </ol>
      <p id="status">{outcome ?? status}</p>
      <p id="refused">{refused}</p>
      <input ref={box} aria-label="Message" />
      <button onClick={() => say(box.current.value).catch(({ status }) => refuse(String(status)))}>Send</button>
      <button onClick={() => regenerate()}>Regenerate</button>
      <button onClick={stop}>Stop</button>
    </>
  );
}

const keepstream = new Keepstream({ key: "any" });
createRoot(document.getElementById("root")).render(
  <StrictMode>
    <KeepstreamContext value={keepstream}>{given.get("what") === "chat" ? <Chat /> : <Stream />}</KeepstreamContext>
  </StrictMode>,
);
