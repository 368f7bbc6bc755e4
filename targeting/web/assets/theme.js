// Light, dark or the system's: Streamlit keeps the choice by the path that a browser came in by.
export default function ({ parentElement, data }) {
  const box = parentElement.querySelector('.themes')
  box.replaceChildren(...data.choices.map(({ value, words }) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = words
    button.setAttribute('aria-pressed', String(current() === value))
    button.onclick = () => {
      for (const path of data.paths) localStorage.setItem(key(path), JSON.stringify(value))
      location.reload()
    }
    return button
  }))
}
const key = path => `stActiveTheme-${path}-v2`
function current() {
  try { return JSON.parse(localStorage.getItem(key(location.pathname))) ?? 'System' } catch { return 'System' }
}
