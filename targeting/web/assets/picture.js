// A picture that the server drew as SVG, its texts escaped there: it takes the page's colours.
export default function ({ parentElement, data }) {
  const box = parentElement.querySelector('div')
  if (box.dataset.of === data.svg) return
  box.dataset.of = data.svg
  box.innerHTML = data.svg
}
