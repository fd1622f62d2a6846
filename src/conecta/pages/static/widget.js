// The firm's booking page in its own website, by one tag where it shall stand:
//   <script src="(here)/widget.js" data-key="pk_live_cnt_…" data-service="consulta" data-language="es" async></script>
// data-service (a service's slug, or "contact" for the contact form) and data-language may be left out.
(() => {
  const script = document.currentScript;
  const { key, service, language } = script.dataset;
  if (!key) {
    console.error("Conecta: falta data-key en la etiqueta del widget.");
    return;
  }
  if (script.closest("head")) {
    console.error("Conecta: la etiqueta del widget va dentro de <body>, donde se ha de ver.");
    return;
  }
  const home = new URL(script.src).origin;
  const address = new URL(`/embed/${encodeURIComponent(key)}${service ? `/${encodeURIComponent(service)}` : ""}`, home);
  if (language) address.searchParams.set("lang", language);
  const frame = document.createElement("iframe");
  frame.title = language === "en" ? "Book an appointment" : "Reservar cita";
  frame.src = address.href;
  frame.loading = "lazy";
  Object.assign(frame.style, { display: "block", width: "100%", height: "640px", border: "0", colorScheme: "normal" });
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== home) return;
    if (event.data?.type === "conecta:height" && event.data.height > 0) frame.style.height = `${Math.ceil(event.data.height)}px`;
  });
  let pages = 0;
  frame.addEventListener("load", () => {
    // Whoever goes on to a lower page of the frame must not be left standing below its end.
    if (pages > 0 && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
    pages += 1;
  });
  script.insertAdjacentElement("afterend", frame);
})();
