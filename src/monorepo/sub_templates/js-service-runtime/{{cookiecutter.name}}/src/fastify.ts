/** fastify is a peer dependency: the service chooses its version, and a missing one is an error with its name. */
export const { fastify, LogController } = await import("fastify").catch(
  (error: NodeJS.ErrnoException) => {
    if (error.code !== "ERR_MODULE_NOT_FOUND" || !error.message.includes("'fastify'")) throw error;
    throw new Error(
      '@{{ cookiecutter.namespace }}/{{ cookiecutter.name }} needs fastify; add "fastify": "catalog:" to the dependencies in your package.json and run make lock',
      { cause: error },
    );
  },
);
