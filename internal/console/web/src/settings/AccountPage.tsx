import { useQuery } from '@tanstack/react-query'
import { Col, Flex, Row, Skeleton } from 'antd'
import { queries } from '../app/queries'
import { Failure } from '../shared/Failure'
import { AuthenticatorCard } from './AuthenticatorCard'
import { PasswordCard } from './PasswordCard'
import { PhoneCard } from './PhoneCard'
import { SessionsCard } from './SessionsCard'
import { TrustCard } from './TrustCard'

/** AccountPage is one's own account: what one signs in and verifies with, and where one is signed in. */
export function AccountPage() {
  const { data: me, error, refetch } = useQuery({ ...queries.me, refetchOnMount: 'always' })
  if (!me) return error ? <Failure error={error} retry={refetch} /> : <Skeleton active />
  return (
    <Row gutter={[16, 16]}>
      <Col xs={24} xl={12}>
        <Flex vertical gap="middle">
          <TrustCard me={me} />
          <PhoneCard account={me.account} />
          <AuthenticatorCard account={me.account} />
        </Flex>
      </Col>
      <Col xs={24} xl={12}><PasswordCard account={me.account} /></Col>
      <Col xs={24}><SessionsCard /></Col>
    </Row>
  )
}
