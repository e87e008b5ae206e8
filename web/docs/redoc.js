// Shows the document of this very service. The fonts are the browser's own: ReDoc's come from elsewhere.
Redoc.init(
  "openapi.json",
  {
    hideHostname: true,
    expandResponses: "",
    theme: { typography: { fontFamily: "sans-serif", headings: { fontFamily: "sans-serif" } } },
  },
  document.getElementById("redoc"),
);
