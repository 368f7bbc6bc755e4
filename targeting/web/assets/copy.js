// Copies the page's address, which holds what is chosen.
export default function ({ parentElement, data }) {
  const button = parentElement.querySelector('button'), said = parentElement.querySelector('span')
  button.textContent = data.words
  said.textContent = ''
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(location.href)
      said.textContent = data.done
    } catch {
      said.textContent = location.href        // no clipboard here: the address is shown instead
    }
  }
}
