import { useQuery } from '@tanstack/react-query'
import { Flex, Modal, Spin } from 'antd'
import type { ReactNode } from 'react'
import { hasCode } from '../api/http'
import { useWords } from '../i18n/language'
import { Failure } from '../shared/Failure'
import { queries, useSignedOut } from './queries'
import { SignInForm } from './SignInForm'
import { SignInPage } from './SignInPage'

/**
 * SessionGate asks who is not signed in to do so, at whatever address, and
 * goes on there. When a session ends while a page is open, the page stays
 * behind a dialog with what was written in it.
 */
export function SessionGate({ children }: { children: ReactNode }) {
  const { t } = useWords()
  const me = useQuery(queries.me)
  const signedOut = useSignedOut()
  if (me.isPending) return <Centered><Spin size="large" /></Centered>
  if (!me.data && hasCode(me.error, 'unauthenticated')) return <SignInPage />
  if (!me.data) return <Centered><Failure error={me.error} retry={me.refetch} /></Centered>
  return (
    <>
      {children}
      <Modal open={signedOut} title={t('signin.again')} footer={null} closable={false} keyboard={false} mask={{ closable: false }} destroyOnHidden>
        <SignInForm username={me.data.account.name} />
      </Modal>
    </>
  )
}

function Centered({ children }: { children: ReactNode }) {
  return <Flex align="center" justify="center" style={{ minHeight: '100vh', padding: 24 }}>{children}</Flex>
}
