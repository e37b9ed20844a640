import { theme } from 'antd'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useWords } from '../i18n/language'
import { countdown } from '../shared/countdown'
import type { Sample } from './samples'

const height = 180

/** steps are distances between marks on the axis of time, in seconds. */
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400]

/** PushChart draws how many devices had applied, and failed, over time. */
export default function PushChart({ samples, total }: { samples: Sample[]; total: number }) {
  const { token } = theme.useToken()
  const { t, format } = useWords()
  const host = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(null)
  const data = dataOf(samples)
  const latest = useRef(data)
  useEffect(() => { latest.current = data })

  useEffect(() => {
    const div = host.current!
    const axis = { stroke: token.colorTextSecondary, grid: { stroke: token.colorSplit, width: 1 }, ticks: { stroke: token.colorSplit } }
    const plot = new uPlot({
      width: div.clientWidth || 600,
      height,
      cursor: { drag: { x: false, y: false } },
      hooks: { setLegend: [showLast] },
      scales: { x: { time: false }, y: { range: [0, Math.max(total, 1)] } },
      axes: [{ ...axis, incrs: steps, values: (_, all) => all.map((s) => (all.at(-1)! < 120 ? `${s} s` : countdown(s))) }, { ...axis, size: 64 }],
      series: [
        { label: t('chart.time'), value: (_, s: number | null) => (s === null ? '–' : format.duration(s * 1000)) },
        { label: t('rung.applied'), stroke: token.green6, width: 2, fill: token.green1, points: { show: false } },
        { label: t('rung.failed'), stroke: token.red5, width: 2, points: { show: false } },
      ],
    }, latest.current, div)
    chart.current = plot
    const resized = new ResizeObserver(() => plot.setSize({ width: div.clientWidth, height }))
    resized.observe(div)
    return () => {
      resized.disconnect()
      plot.destroy()
    }
  }, [token, t, format, total])

  useEffect(() => {
    chart.current?.setData(dataOf(samples))
  }, [samples])
  return <div ref={host} role="img" aria-label={t('chart.title')} style={{ color: token.colorTextSecondary, minHeight: height + 30 }} />
}

/** showLast has the legend tell what was known last, unless the pointer asks for another time. */
function showLast(plot: uPlot): void {
  if (plot.cursor.idx != null) return
  plot.setLegend({ idxs: plot.data.map((values) => values.findLastIndex((v) => v != null)) }, false)
}

function dataOf(samples: Sample[]): uPlot.AlignedData {
  return [samples.map((s) => s.at / 1000), samples.map((s) => s.applied), samples.map((s) => s.failed)]
}
