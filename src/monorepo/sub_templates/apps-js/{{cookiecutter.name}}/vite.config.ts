import react from "@vitejs/plugin-react";
import { defaultClientConditions, defineConfig } from "vite";
import manifest from "./package.json" with { type: "json" };

// In development, /api/… goes to the service named api, without that prefix, as long as make dev says
// where it is. In production, that is for the web server in front of both.
{% if cookiecutter.services.split()|tojson|length > 72 %}
const services: string[] = [
{% for name in cookiecutter.services.split() %}
  {{ name|tojson }},
{% endfor %}
];
{% else %}
const services: string[] = {{ cookiecutter.services.split()|tojson }};
{% endif %}

const routes = services.flatMap((name) => {
  const target = process.env[`${name.toUpperCase().replaceAll("-", "_")}_URL`];
  const rewrite = (path: string) => path.slice(name.length + 1);
  return target ? [[`^/${name}/`, { target, rewrite, changeOrigin: true }] as const] : [];
});

export default defineConfig({
  plugins: [react()],
  // Packages of this repository are read as TypeScript, from their src: nothing is built before.
  resolve: { conditions: ["source", ...defaultClientConditions] },
  server: {
    host: process.env.HOST || "127.0.0.1",
    port: Number(process.env.PORT) || manifest.monorepo.port,
    strictPort: true,
    proxy: Object.fromEntries(routes),
  },
});
