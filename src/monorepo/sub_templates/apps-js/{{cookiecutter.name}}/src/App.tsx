{% if cookiecutter.example %}
import { useState } from "react";
import { duration } from "./duration.ts";

/** Says how long some seconds are, as an example: replace it with what the app is for. */
export function App() {
  const [seconds, setSeconds] = useState(90);
  return (
    <main>
      <h1>{document.title}</h1>
      <label>
        Seconds{" "}
        <input
          type="number"
          min="0"
          value={seconds}
          onChange={(event) => setSeconds(event.target.valueAsNumber || 0)}
        />
      </label>
      <output>{duration(seconds)}</output>
    </main>
  );
}
{% else %}
export function App() {
  return (
    <main>
      <h1>{document.title}</h1>
    </main>
  );
}
{% endif %}
