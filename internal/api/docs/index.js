// validatorUrl: null keeps the page from asking swagger.io about the document.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null });
