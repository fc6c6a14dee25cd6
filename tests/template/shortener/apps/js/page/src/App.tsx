import { createClient, type Schemas } from "@acme/api-client";
import { type FormEvent, useEffect, useState } from "react";

// In development, Vite passes /api on to the service; in production, the web server does.
const api = createClient("/api");

/** Shortens addresses, and lists what was shortened. */
export function App() {
  const [links, setLinks] = useState<readonly Schemas["Link"][]>([]);
  const [url, setUrl] = useState("");
  const [message, setMessage] = useState("");

  useEffect(() => {
    api.GET("/links").then(
      ({ data }) => setLinks(data ?? []),
      () => setMessage("The service does not answer."),
    );
  }, []);

  async function shorten(event: FormEvent) {
    event.preventDefault();
    const { data, error } = await api.POST("/links", { body: { url } });
    if (data) setLinks([data, ...links]);
    setMessage(data ? "" : (error?.errors?.[0]?.detail ?? "The service failed."));
  }

  return (
    <main>
      <h1>{document.title}</h1>
      <form onSubmit={shorten}>
        <label>
          Address <input value={url} onChange={(event) => setUrl(event.target.value)} />
        </label>
        <button type="submit">Shorten</button>
      </form>
      <p role="status">{message}</p>
      <ul>
        {links.map((link) => (
          <li key={link.code}>
            <a href={`/api/r/${link.code}`}>{link.code}</a> {link.url} ({link.visits ?? 0})
          </li>
        ))}
      </ul>
    </main>
  );
}
