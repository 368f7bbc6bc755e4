// Where the browser cannot draw a map, says so; where it can, takes no room.
export default function ({ parentElement, data }) {
  const told = parentElement.querySelector('.rl-no-gl')
  const canvas = document.createElement('canvas')
  let drawing = null
  try {
    drawing = canvas.getContext('webgl2') ?? canvas.getContext('webgl')
  } catch {
    drawing = null
  }
  drawing?.getExtension('WEBGL_lose_context')?.loseContext()   // a browser has a dozen, no more
  told.hidden = drawing !== null
  told.textContent = drawing === null ? data.words : ''
}
