import { useState } from "react";
import { duration } from "./duration.ts";

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
