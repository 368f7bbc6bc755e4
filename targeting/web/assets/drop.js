// A file dropped anywhere on a screen that takes files goes to its field: nobody has to aim.
(() => {
  const field = () => document.querySelector('[data-testid="stFileUploaderDropzoneInput"]');
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const show = (is) => document.body.classList.toggle("rl-dropping", is);
  const inZone = (event) => event.target.closest?.('[data-testid="stFileUploaderDropzone"]');

  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault(); // a browser would open the file in the place of the screen
    show(Boolean(field()));
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) show(false);
  });
  document.addEventListener("drop", (event) => {
    show(false);
    if (!carries(event) || inZone(event)) return;
    event.preventDefault();
    const input = field();
    if (!input) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
