import { Badge } from 'antd'
import type { Rung } from '../api/api'
import { useWords } from '../i18n/language'
import { useRungColours } from './ladder'

export function RungTag({ rung }: { rung: Rung }) {
  const { t } = useWords()
  const colours = useRungColours()
  return <Badge color={colours[rung]} text={t(`rung.${rung}`)} />
}
