import {
  AlignLeftOutlined, ApiOutlined, AuditOutlined, CheckCircleFilled, CheckCircleOutlined, CloseCircleFilled, CloudServerOutlined, CloudUploadOutlined,
  DownloadOutlined, DownOutlined, ExclamationCircleFilled, EyeOutlined, InfoCircleFilled, LeftOutlined, LoadingOutlined, LockOutlined, LogoutOutlined, MenuFoldOutlined, MenuUnfoldOutlined,
  MoonOutlined, PlusOutlined, ReloadOutlined, RightOutlined, RollbackOutlined, SaveOutlined, SearchOutlined, SendOutlined, SettingOutlined, StopOutlined,
  SunOutlined, SwapOutlined, SyncOutlined, TranslationOutlined, UndoOutlined, UploadOutlined, UserOutlined,
} from '@ant-design/icons'
import type { ComponentProps } from 'react'

type Icon = typeof PlusOutlined

/** mute keeps an icon from adding its English name to what it stands beside: "save Save". */
function mute(Loud: Icon) {
  return function Mute(props: ComponentProps<Icon>) {
    return <Loud {...props} role={undefined} aria-label={undefined} aria-hidden />
  }
}

export const AddIcon = mute(PlusOutlined)
export const ApiIcon = mute(ApiOutlined)
export const AuditIcon = mute(AuditOutlined)
export const BackIcon = mute(LeftOutlined)
export const CloudIcon = mute(CloudServerOutlined)
export const DarkIcon = mute(MoonOutlined)
export const DoneIcon = mute(CheckCircleOutlined)
export const DownIcon = mute(DownOutlined)
export const DownloadIcon = mute(DownloadOutlined)
export const FailedIcon = mute(CloseCircleFilled)
export const FoldIcon = mute(MenuFoldOutlined)
export const FormatIcon = mute(AlignLeftOutlined)
export const ForthIcon = mute(RightOutlined)
export const InfoIcon = mute(InfoCircleFilled)
export const LanguageIcon = mute(TranslationOutlined)
export const LightIcon = mute(SunOutlined)
export const LoadingIcon = mute(LoadingOutlined)
export const LockIcon = mute(LockOutlined)
export const PushIcon = mute(CloudUploadOutlined)
export const RefreshIcon = mute(ReloadOutlined)
export const ReplacedIcon = mute(SwapOutlined)
export const RestoreIcon = mute(RollbackOutlined)
export const RunningIcon = mute(SyncOutlined)
export const SaveIcon = mute(SaveOutlined)
/** Named icons stand alone on a button: whoever uses one names it. */
export const NamedClearIcon = CloseCircleFilled
export const NamedSearchIcon = SearchOutlined
export const SearchIcon = mute(SearchOutlined)
export const SendIcon = mute(SendOutlined)
export const SettingsIcon = mute(SettingOutlined)
export const SignOutIcon = mute(LogoutOutlined)
export const StopIcon = mute(StopOutlined)
export const SuccessIcon = mute(CheckCircleFilled)
export const UndoIcon = mute(UndoOutlined)
export const UnfoldIcon = mute(MenuUnfoldOutlined)
export const UploadIcon = mute(UploadOutlined)
export const UserIcon = mute(UserOutlined)
export const ViewIcon = mute(EyeOutlined)
export const WarningIcon = mute(ExclamationCircleFilled)
