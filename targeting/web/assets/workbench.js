// The map of the workbench. The page says what is shown and chosen; the map is made once, and each
// later run changes only what differs. What is chosen is outlined at once, and told after.
import * as maplibregl from './maplibre/maplibre-gl.mjs'

const kept = new WeakMap()
const AWAITED_MS = 6000
const MOVES = !matchMedia('(prefers-reduced-motion: reduce)').matches

export default function (ctx) {
  const root = ctx.parentElement.querySelector('.rl-root')
  let s = kept.get(root)
  if (!s) {
    s = { root, sel: [], hidden: new Set(), ctx }
    kept.set(root, s)
    s.ready = make(s, ctx.data)
  }
  s.ctx = ctx
  s.ready.then(() => apply(s, ctx.data))
  return () => setTimeout(() => {
    if (root.isConnected) return
    clearTimeout(s.later)
    s.sight?.disconnect()
    s.map?.remove()
    kept.delete(root)
  })
}

const part = (s, name) => s.root.querySelector(name)
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)

async function make(s, data) {
  try {
    if (data.bold) document.fonts.add(await new FontFace('Relance Bold', `url(${data.bold})`, { weight: '700' }).load())
  } catch { /* the letters are drawn in the browser's own face then */ }
  try {
    s.map = new maplibregl.Map({
      container: part(s, '.rl-map'),
      style: { version: 8, sources: {}, layers: [] },
      bounds: data.bounds, fitBoundsOptions: { padding: 18 },
      attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false,
      boxZoom: false, maxZoom: 18, fadeDuration: 0,
      locale: {
        'NavigationControl.ZoomIn': data.say.zoom_in, 'NavigationControl.ZoomOut': data.say.zoom_out,
        'Map.Title': data.say.alt,
      },
    })
  } catch {
    part(s, '.rl-without').textContent = data.say.without
    part(s, '.rl-without').hidden = false
    part(s, '.rl-wait').hidden = true
    return
  }
  s.map.touchZoomRotate.disableRotation()
  s.map.addControl(new maplibregl.NavigationControl({ showCompass: false }), 'top-right')
  s.map.addControl(new maplibregl.ScaleControl({ unit: 'metric', maxWidth: 90 }), 'bottom-left')
  s.map.addControl(whole(s), 'top-right')
  s.map.on('click', event => touched(s, event))
  s.map.on('mousemove', event => hover(s, event))
  s.map.on('mouseout', () => { part(s, '.rl-tip').hidden = true })
  s.sight = new ResizeObserver(() => s.map.resize())
  s.sight.observe(part(s, '.rl-map'))
  for (const fold of ['.rl-legend', '.rl-credits']) part(s, fold).open = s.root.clientWidth > 560
  await new Promise(done => s.map.once('load', done))
}

function whole(s) {
  const box = document.createElement('div')
  box.className = 'maplibregl-ctrl maplibregl-ctrl-group rl-whole'
  const button = document.createElement('button')
  button.type = 'button'
  button.onclick = () => s.map.fitBounds(s.data.bounds, { padding: 18, animate: MOVES })
  box.append(button)
  s.whole = button
  return { onAdd: () => box, onRemove: () => box.remove() }
}

// -- what differs ---------------------------------------------------------------------------------

async function apply(s, data) {
  words(s, data)
  if (!s.map) return
  const before = s.data ?? {}
  s.data = data
  if (before.url !== data.url || before.backdrop !== data.backdrop || before.quarters !== data.quarters) {
    s.turn = (s.turn ?? 0) + 1
    const turn = s.turn
    part(s, '.rl-wait').hidden = false
    let files
    try {
      files = await Promise.all([data.url, data.backdrop, data.quarters].map(read))
    } catch {
      part(s, '.rl-wait').textContent = data.say.lost
      return
    }
    if (turn !== s.turn) return
    draw(s, ...files)
    if (before.bounds && !same(before.bounds, data.bounds)) s.map.fitBounds(data.bounds, { padding: 18, animate: false })
    const drawn = () => { part(s, '.rl-wait').hidden = true; s.root.dataset.drawn = data.url }
    s.map.once('idle', drawn)
    s.map.once('render', () => s.map.loaded() && drawn())
  } else if (before.metric !== data.metric || before.theme !== data.theme) paint(s)
  if (!s.stations) return
  data = s.data                                    // what came while the files were on their way
  hide(s, new Set(data.hidden ?? []))
  clearTimeout(s.later)
  const left = s.awaited ? s.awaited.at + AWAITED_MS - Date.now() : 0
  if (left > 0 && !same(data.sel, s.awaited.sel)) {
    s.later = setTimeout(() => apply(s, s.data), left)   // no other run may come: the page is right then
    return
  }
  s.awaited = null
  if (!same(data.sel, s.sel)) {
    s.sel = data.sel
    outline(s)
    seek(s)
  }
}

async function read(url) {
  if (!url) return null
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`)
  return answer.json()
}

function draw(s, stations, backdrop, quarters) {
  const { map } = s
  for (const { id } of map.getStyle().layers) map.removeLayer(id)
  for (const id of Object.keys(map.getStyle().sources)) map.removeSource(id)
  s.stations = new Map(stations.features.filter(f => f.properties.k === 's').map(f => [f.properties.id, f]))
  s.hidden = new Set()
  const source = (id, data, more) => map.addSource(id, { type: 'geojson', data: data ?? EMPTY, ...more })
  source('stations', stations, { promoteId: 'id', tolerance: .2 })
  source('backdrop', backdrop)
  source('quarters', quarters)
  source('chosen', EMPTY, { tolerance: .1 })
  for (const layer of LAYERS) map.addLayer(layer)
  paint(s)
  outline(s)
}

const EMPTY = { type: 'FeatureCollection', features: [] }
const STATION = ['==', ['get', 'k'], 's']
const AREA = ['all', STATION, ['==', ['geometry-type'], 'Polygon']]
const DOT = ['all', STATION, ['==', ['geometry-type'], 'Point']]
const kind = name => ['==', ['get', 'kind'], name]
const FADED = ['boolean', ['feature-state', 'hidden'], false]
const width = (low, high) => ['interpolate', ['linear'], ['zoom'], 10, low, 15, high]
const LAYERS = [
  { id: 'paper', type: 'background' },
  { id: 'fill', type: 'fill', source: 'stations', filter: AREA, paint: { 'fill-antialias': false, 'fill-opacity': ['case', FADED, .1, 1] } },
  { id: 'hatch', type: 'fill', source: 'stations', filter: ['all', AREA, ['==', ['get', 'hatch'], 1]], paint: { 'fill-opacity': ['case', FADED, 0, .6] } },
  { id: 'parks', type: 'fill', source: 'backdrop', filter: kind('parks'), minzoom: 13.5, paint: { 'fill-color': '#6f9a62', 'fill-opacity': .25 } },
  { id: 'water', type: 'fill', source: 'backdrop', filter: kind('water') },
  { id: 'streets', type: 'line', source: 'backdrop', filter: kind('streets'), minzoom: 13.5, paint: { 'line-width': width(.2, .8), 'line-opacity': .5 } },
  { id: 'rail', type: 'line', source: 'backdrop', filter: kind('rail'), minzoom: 12.5, paint: { 'line-width': 1.2, 'line-dasharray': [4, 2] } },
  { id: 'edge-under', type: 'line', source: 'stations', filter: AREA, layout: { 'line-join': 'round' }, paint: { 'line-opacity': .45, 'line-width': width(.9, 3.4) } },
  { id: 'edge', type: 'line', source: 'stations', filter: AREA, layout: { 'line-join': 'round' }, paint: { 'line-width': width(.4, 1.8) } },
  { id: 'quarters', type: 'line', source: 'quarters', paint: { 'line-width': width(.9, 1.8), 'line-dasharray': [3, 2] } },
  { id: 'dots', type: 'circle', source: 'stations', filter: DOT, paint: { 'circle-radius': width(3, 9), 'circle-opacity': ['case', FADED, .12, 1], 'circle-stroke-width': 1 } },
  { id: 'chosen-under', type: 'line', source: 'chosen', filter: ['==', ['geometry-type'], 'Polygon'], layout: { 'line-join': 'round' }, paint: { 'line-color': '#000', 'line-width': 7 } },
  { id: 'chosen', type: 'line', source: 'chosen', filter: ['==', ['geometry-type'], 'Polygon'], layout: { 'line-join': 'round' }, paint: { 'line-color': '#ffc400', 'line-width': 3.5 } },
  { id: 'chosen-dots', type: 'circle', source: 'chosen', filter: ['==', ['geometry-type'], 'Point'], paint: { 'circle-radius': 11, 'circle-opacity': 0, 'circle-stroke-width': 3.5, 'circle-stroke-color': '#ffc400' } },
  {
    id: 'street-names', type: 'symbol', source: 'backdrop', minzoom: 14.5, filter: ['all', kind('streets'), ['has', 'name']],
    layout: { 'symbol-placement': 'line', 'text-field': ['get', 'name'], 'text-font': ['Source Sans'], 'text-size': 12, 'symbol-spacing': 320, 'text-max-angle': 30 },
  },
  {
    id: 'numbers', type: 'symbol', source: 'stations', minzoom: 11.7, filter: ['==', ['get', 'k'], 'n'],
    layout: {
      'text-field': ['get', 'n'], 'text-font': ['Relance Bold'], 'symbol-sort-key': ['get', 'rank'],
      'text-size': ['interpolate', ['linear'], ['zoom'], 11, 10.5, 15, 14], 'text-padding': 3,
    },
  },
  {
    id: 'quarter-names', type: 'symbol', source: 'quarters', filter: ['==', ['geometry-type'], 'Point'],
    layout: { 'text-field': ['get', 'name'], 'text-font': ['Relance Bold'], 'text-size': ['interpolate', ['linear'], ['zoom'], 11, 11.5, 15, 16], 'text-max-width': 7, 'text-padding': 4, 'symbol-sort-key': ['get', 'rank'] },
  },
]

function paint(s) {
  const { map, data } = s
  const look = data.looks[data.theme], at = ['coalesce', ['get', `c_${data.metric}`], -1]
  const fill = ['match', at, ...look.classes.flatMap((c, i) => [i, c]), -2, look.nothing, look.unknown]
  const set = (layer, what) => { for (const [name, value] of Object.entries(what)) map.setPaintProperty(layer, name, value) }
  for (const [name, ink] of [['weak', look.hatch], ['strong', look.hatch_strong]]) {
    if (map.hasImage(`hatch-${name}`)) map.removeImage(`hatch-${name}`)
    map.addImage(`hatch-${name}`, hatching(ink), { pixelRatio: 2 })
  }
  set('paper', { 'background-color': look.paper })
  set('fill', { 'fill-color': fill })
  set('hatch', { 'fill-pattern': ['case', ['>=', at, 3], 'hatch-strong', 'hatch-weak'] })
  set('water', { 'fill-color': look.water })
  set('streets', { 'line-color': look.halo })
  set('rail', { 'line-color': look.ink })
  set('edge-under', { 'line-color': look.casing })
  set('edge', { 'line-color': look.edge })
  set('quarters', { 'line-color': look.ink })
  set('dots', { 'circle-color': fill, 'circle-stroke-color': look.ink })
  for (const layer of ['numbers', 'quarter-names', 'street-names']) {
    set(layer, { 'text-color': look.ink, 'text-halo-color': look.halo, 'text-halo-width': 1.6 })
  }
}

function hatching(colour) {
  const size = 20, canvas = document.createElement('canvas')
  canvas.width = canvas.height = size
  const pen = canvas.getContext('2d')
  pen.strokeStyle = colour
  pen.lineWidth = 3
  for (const shift of [-size, 0, size]) {
    pen.beginPath(); pen.moveTo(shift, size); pen.lineTo(shift + size, 0); pen.stroke()
  }
  return pen.getImageData(0, 0, size, size)
}

function hide(s, hidden) {
  const mark = (id, is) => s.map.setFeatureState({ source: 'stations', id }, { hidden: is })
  for (const id of hidden) if (!s.hidden.has(id)) mark(id, true)
  for (const id of s.hidden) if (!hidden.has(id)) mark(id, false)
  if (s.hidden.size !== hidden.size || [...hidden].some(id => !s.hidden.has(id))) {
    s.map.setFilter('numbers', ['all', ['==', ['get', 'k'], 'n'], ['!', ['in', ['get', 'of'], ['literal', [...hidden]]]]])
  }
  s.hidden = hidden
}

function outline(s) {
  s.map.getSource('chosen')?.setData({ type: 'FeatureCollection', features: s.sel.map(id => s.stations.get(id)).filter(Boolean) })
}

// -- the hand -------------------------------------------------------------------------------------

function under(s, point) {
  if (!s.map.getLayer('fill')) return null
  return s.map.queryRenderedFeatures(point, { layers: ['dots', 'fill'] })[0]?.properties ?? null
}

function touched(s, event) {
  const id = under(s, event.point)?.id
  if (!id || s.hidden.has(id)) return
  const { shiftKey, ctrlKey, metaKey } = event.originalEvent
  const many = shiftKey || ctrlKey || metaKey
  if (s.sel.includes(id)) s.sel = many || s.sel.length === 1 ? s.sel.filter(one => one !== id) : [id]
  else s.sel = many ? [...s.sel, id].slice(-s.data.most) : [id]
  outline(s)
  s.awaited = { sel: s.sel, at: Date.now() }
  s.ctx.setStateValue('sel', s.sel)
}

function hover(s, event) {
  const tip = part(s, '.rl-tip'), found = under(s, event.point)
  s.map.getCanvas().style.cursor = found ? 'pointer' : ''
  tip.hidden = !found
  if (!found) return
  tip.textContent = found[`tip_${s.data.lang}`]
  const wide = s.root.clientWidth
  tip.style.left = `${Math.min(event.point.x + 14, wide - tip.offsetWidth - 8)}px`
  tip.style.top = `${Math.max(event.point.y - tip.offsetHeight - 10, 8)}px`
}

// chosen in the table or by name: the map comes to it where it is out of sight
function seek(s) {
  const shapes = s.sel.map(id => s.stations.get(id)).filter(Boolean)
  if (!shapes.length) return
  const box = new maplibregl.LngLatBounds()
  const walk = c => typeof c[0] === 'number' ? box.extend(c) : c.forEach(walk)
  shapes.forEach(f => walk(f.geometry.coordinates))
  const seen = s.map.getBounds()
  if (seen.contains(box.getNorthEast()) && seen.contains(box.getSouthWest())) return
  s.map.fitBounds(box, { padding: 90, maxZoom: 15, animate: MOVES })
}

// -- words ----------------------------------------------------------------------------------------

function words(s, data) {
  const shown = { legend: data.legend, credits: data.credits, say: data.say, theme: data.theme }
  if (same(shown, s.words)) return
  s.words = shown
  s.root.dataset.theme = data.theme
  const look = data.looks[data.theme], legend = part(s, '.rl-legend')
  const text = (tag, words, name) => Object.assign(document.createElement(tag), { textContent: words, className: name ?? '' })
  const rows = data.legend.entries.map(entry => {
    const row = text('li', ''), swatch = text('span', '', 'rl-swatch')
    swatch.style.background = entry.at >= 0 ? look.classes[entry.at] : entry.at === -2 ? look.nothing : look.unknown
    row.append(swatch, text('span', entry.words), text('small', entry.count))
    return row
  })
  const list = text('ul', '')
  list.append(...rows)
  const more = text('details', '')
  more.append(text('summary', data.say.more), ...data.legend.notes.slice(1).map(note => text('p', note)))
  legend.replaceChildren(text('summary', data.legend.title), text('p', data.legend.unit), list,
    ...data.legend.notes.slice(0, 1).map(note => text('p', note)), ...data.legend.notes.length > 1 ? [more] : [])
  part(s, '.rl-credits').replaceChildren(text('summary', data.say.sources), text('span', data.credits))
  part(s, '.rl-credits').hidden = !data.credits
  part(s, '.rl-wait').textContent = data.say.wait
  if (s.whole) s.whole.textContent = data.say.whole
}
