// Shows the document of this service, and loads nothing from other sites.
window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  displayRequestDuration: true,
  // The default sends the document's address to a validator on the internet.
  validatorUrl: null,
  oauth2RedirectUrl: new URL("oauth2-redirect", window.location.href).href,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
