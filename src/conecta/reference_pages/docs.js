"use strict";
// Starts Swagger UI over our own document; nothing is asked of any other host.
window.addEventListener("DOMContentLoaded", async () => {
  const place = document.getElementById("reference");
  try {
    const answer = await fetch("/openapi.json");
    if (!answer.ok) throw new Error(String(answer.status));
    const spec = await answer.json();
    // Try-outs go to the host this page came from, whatever its public name is.
    spec.servers = [{ url: window.location.origin, description: "Esta instalación" }];
    place.replaceChildren();
    SwaggerUIBundle({
      spec,
      domNode: place,
      presets: [SwaggerUIBundle.presets.apis],
      layout: "BaseLayout",
      validatorUrl: null,
      deepLinking: true,
      filter: true,
      docExpansion: "list",
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      persistAuthorization: false,
    });
  } catch (error) {
    const message = document.createElement("p");
    message.className = "waiting";
    message.textContent = `No se ha podido cargar /openapi.json (${error.message}). Recarga la página.`;
    place.replaceChildren(message);
  }
});
