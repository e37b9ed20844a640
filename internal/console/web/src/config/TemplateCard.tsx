import { Alert, Button, Card, Flex, Grid, Skeleton, Tag, Tooltip, Typography } from 'antd'
import { useMemo, useRef, useState } from 'react'
import type { Config } from '../api/api'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { Failure } from '../shared/Failure'
import { FormatIcon, SaveIcon, SearchIcon, UndoIcon } from '../shared/icons'
import { check, type Fault } from './editor/check'
import type { Hand } from './editor/Editor'
import { pretty } from './editor/pretty'
import { Editor } from './LazyEditor'
import { SaveDialog } from './SaveDialog'
import type { useDraft } from './useDraft'

type Props = { product: string; config: Config; work: ReturnType<typeof useDraft> }

/** TemplateCard is where the Configuration Template is written and saved. */
export function TemplateCard({ product, config, work }: Props) {
  const { t } = useWords()
  const [saving, setSaving] = useState(false)
  const hand = useRef<Hand>(null)
  const { draft, dirty, behind } = work
  const text = draft?.text ?? ''
  const faults = useMemo(() => (draft ? check(text) : []), [draft, text])
  const size = useMemo(() => new TextEncoder().encode(text).length, [text])
  const tooLarge = size > config.policy.maxBytes

  const wide = Grid.useBreakpoint().lg
  const why = (!dirty && t('save.nothing')) || (faults.length > 0 && t('save.faulty')) || (tooLarge && t('save.large'))
  const tag = dirty ? <Tag color="warning">{t('template.unsaved')}</Tag>
    : config.current && <Tag color="blue">{t('template.current', { n: config.current.number })}</Tag>
  const tools = (
    <Flex gap="small" wrap>
      <Tooltip title={t('template.search')}>
        <Button icon={<SearchIcon />} aria-label={t('template.search')} onClick={() => hand.current?.search()} />
      </Tooltip>
      <Button icon={<FormatIcon />} disabled={!draft || faults.length > 0} aria-label={t('template.format')} onClick={() => work.write(pretty(text))}>{wide && t('template.format')}</Button>
      <Button icon={<UndoIcon />} disabled={!dirty} aria-label={t('template.discard')} onClick={work.discard}>{wide && t('template.discard')}</Button>
      <Allowed least="editor" unless={why}>
        {(disabled) => <Button type="primary" icon={<SaveIcon />} disabled={disabled} onClick={() => setSaving(true)}>{t('save.do')}</Button>}
      </Allowed>
    </Flex>
  )
  return (
    <Card title={<Flex gap="small" align="center">{t('template.title')}{tag}</Flex>} extra={tools}>
      <Flex vertical gap="small">
        {work.error && <Failure error={work.error} retry={work.retry} />}
        {behind && <Alert type="warning" showIcon title={t('save.behind', { author: behind.author, n: behind.number })} description={t('save.behindHint')} />}
        {draft ? <Editor text={text} label={t('template.title')} height="44vh" onChange={work.write} hand={hand} /> : <Skeleton active paragraph={{ rows: 8 }} />}
        {draft && <Status faults={faults} size={size} max={config.policy.maxBytes} onGo={(f) => hand.current?.goTo(f.from)} />}
      </Flex>
      {saving && draft && (
        <SaveDialog product={product} draft={draft} onClose={() => setSaving(false)} onText={work.write}
          onSaved={(version, saved) => { work.saved(version.number, saved); setSaving(false) }} />
      )}
    </Card>
  )
}

function Status({ faults, size, max, onGo }: { faults: Fault[]; size: number; max: number; onGo: (f: Fault) => void }) {
  const { t, format } = useWords()
  const first = faults[0]
  return (
    <Flex justify="space-between" gap="middle" wrap>
      <div role="status" style={{ minWidth: 0 }}>
        {first?.key === 'fault.empty' ? <Typography.Text type="secondary">{t('fault.empty')}</Typography.Text> : first ? (
          <Button type="link" danger onClick={() => onGo(first)} style={{ height: 'auto', padding: 0, whiteSpace: 'normal', textAlign: 'start' }}>
            {t('fault.at', { line: first.line, column: first.column })} {first.name === undefined ? t(first.key as 'fault.symbol') : t('fault.twice', { name: first.name })}
            {faults.length > 1 && ` ${t('fault.more', { n: faults.length - 1 })}`}
          </Button>
        ) : <Typography.Text type="success">{t('template.valid')}</Typography.Text>}
      </div>
      <Typography.Text type={size > max ? 'danger' : 'secondary'}>
        {t('template.size', { size: format.bytes(size), max: format.bytes(max) })}
      </Typography.Text>
    </Flex>
  )
}
