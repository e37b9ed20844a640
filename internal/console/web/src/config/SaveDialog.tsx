import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Alert, App, Flex, Form, Input } from 'antd'
import { useState } from 'react'
import { api, type Version } from '../api/api'
import { hasCode } from '../api/http'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Dialog } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { check } from './editor/check'
import { Diff, DiffSpace } from './LazyEditor'

type Props = {
  product: string
  draft: { base: number; text: string }
  onClose: () => void
  onText: (text: string) => void
  onSaved: (version: Version, text: string) => void
}

/**
 * SaveDialog shows what saving changes. If somebody else saved in between, it
 * shows their text beside this one, which may take over what theirs has.
 */
export function SaveDialog({ product, draft, onClose, onText, onSaved }: Props) {
  const { t } = useWords()
  const { message } = App.useApp()
  const client = useQueryClient()
  const [note, setNote] = useState('')
  const [mine, setMine] = useState(draft.text)
  const [theirs, setTheirs] = useState<Version>() // saved in between
  const base = theirs?.number ?? draft.base
  const before = useQuery({ ...queries.version(product, base), enabled: base > 0 })

  const overtaken = useMutation({
    mutationFn: () => api.config(product),
    onSuccess: (config) => {
      client.setQueryData(queries.config(product).queryKey, config)
      if (config.current) setTheirs(config.current)
    },
  })
  const save = useMutation({
    mutationFn: () => api.saveVersion(product, base, { content: mine, note: note.trim() }),
    onSuccess: (version) => {
      client.setQueryData(queries.version(product, version.number).queryKey, { ...version, content: mine })
      void client.invalidateQueries({ queryKey: ['config', product] })
      void client.invalidateQueries({ queryKey: ['versions', product] })
      void message.success(t('save.done', { n: version.number }))
      onSaved(version, mine)
    },
    onError: (error) => {
      if (hasCode(error, 'stale')) overtaken.mutate()
    },
  })
  const close = () => {
    if (mine !== draft.text) onText(mine)
    onClose()
  }
  const left = base === 0 ? t('diff.nothing') : theirs ? t('diff.theirs', { n: base, author: theirs.author }) : t('diff.current', { n: base })
  const stale = hasCode(save.error, 'stale')
  return (
    <Dialog title={theirs ? t('save.conflict') : t('save.title')} width="min(1100px, 94vw)" onCancel={close}
      okText={theirs ? t('save.over', { n: theirs.number }) : t('do.confirm')} cancelText={t('save.edit')} onOk={() => save.mutate()}
      okButtonProps={{ loading: save.isPending || overtaken.isPending, disabled: (base > 0 && !before.data) || check(mine).length > 0 }}>
      <Flex vertical gap="middle">
        {theirs && <Alert type="warning" showIcon title={t('save.behind', { author: theirs.author, n: theirs.number })} description={t('save.conflictHint')} />}
        {save.error && (!stale || overtaken.error) && <Failure error={save.error} />}
        {overtaken.error && <Failure error={overtaken.error} retry={overtaken.mutate} />}
        {before.error && <Failure error={before.error} retry={before.refetch} />}
        {base > 0 && before.isPending ? <DiffSpace /> : (
          <Diff before={before.data?.content ?? ''} after={mine} labels={[left, t('diff.mine')]} onChange={theirs ? setMine : undefined} />
        )}
        <Form layout="vertical">
          <Form.Item label={t('save.note')} htmlFor="note" style={{ marginBottom: 0 }}>
            <Input id="note" value={note} onChange={(e) => setNote(e.target.value)} maxLength={500} showCount placeholder={t('save.noteHint')} autoFocus />
          </Form.Item>
        </Form>
      </Flex>
    </Dialog>
  )
}
